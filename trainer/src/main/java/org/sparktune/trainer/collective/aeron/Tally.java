package org.sparktune.trainer.collective.aeron;

import java.util.EnumMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;

/** Counts events; written by the communication thread, read by any. */
final class Tally {
  /** What is counted. */
  enum Event {
    BYTE_SENT,
    BYTE_RECEIVED,
    BACK_PRESSURE,
    STALE,
    DUPLICATE,
    MALFORMED,
    UNAUTHENTICATED
  }

  private final Map<Event, AtomicLong> counts = new EnumMap<>(Event.class);

  Tally() {
    for (Event event : Event.values()) {
      counts.put(event, new AtomicLong());
    }
  }

  void count(Event event) {
    add(event, 1);
  }

  void add(Event event, long amount) {
    AtomicLong count = counts.get(event);
    // There is one writer.
    count.setRelease(count.getPlain() + amount);
  }

  CollectiveCounters read() {
    return new CollectiveCounters(
        value(Event.BYTE_SENT),
        value(Event.BYTE_RECEIVED),
        value(Event.BACK_PRESSURE),
        value(Event.STALE),
        value(Event.DUPLICATE),
        value(Event.MALFORMED),
        value(Event.UNAUTHENTICATED));
  }

  private long value(Event event) {
    return counts.get(event).getAcquire();
  }
}
