package org.sparktune.pipeline.sample;

import java.io.Serializable;
import java.util.Map;
import java.util.TreeMap;

/** What stages counted, by name. */
public final class Counters implements Serializable {
  private static final long serialVersionUID = 1L;

  private final TreeMap<String, Long> counts = new TreeMap<>();

  /** Adds to a counter. */
  public void add(String name, long count) {
    counts.merge(name, count, Long::sum);
  }

  /** Adds all of another's. */
  public void merge(Counters other) {
    other.counts.forEach(this::add);
  }

  /** The counts, sorted by name. */
  public Map<String, Long> counts() {
    return counts;
  }
}
