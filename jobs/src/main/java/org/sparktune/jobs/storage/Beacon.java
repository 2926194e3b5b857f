package org.sparktune.jobs.storage;

import java.io.Closeable;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Holds a folder on a file system that has no locks, by a file that changes as long as its holder
 * lives. Whoever finds such a file watches it for some time: if it changes, its holder lives; if it
 * does not, the holder was killed and the folder is free. No clock is compared with another.
 */
public final class Beacon implements Closeable {
  private static final Logger LOG = LoggerFactory.getLogger(Beacon.class);

  /** How often the file changes. */
  private static final Duration BEAT = Duration.ofSeconds(5);

  /** Beats without a change after which a holder counts as dead. */
  private static final int PATIENCE_BEATS = 4;

  private final RemotePlace file;
  private final String name = UUID.randomUUID().toString();
  private final ScheduledExecutorService pulse;
  private long beat;

  private Beacon(RemotePlace file) {
    this.file = file;
    this.pulse =
        Executors.newSingleThreadScheduledExecutor(
            work -> {
              Thread thread = new Thread(work, "beacon of " + file);
              thread.setDaemon(true);
              return thread;
            });
  }

  /**
   * Takes a folder, after watching what another run may have left.
   *
   * @param file whose changes show that its holder lives
   * @throws SparktuneException {@code OUTPUT} if another process holds it
   */
  public static Beacon light(Place file) {
    return light(file, BEAT);
  }

  static Beacon light(Place place, Duration interval) {
    RemotePlace file = (RemotePlace) place;
    Beacon beacon = new Beacon(file);
    if (!file.writeNew(beacon.next())) {
      beacon.takeOver(interval);
    }
    // A failed beat is logged by itself.
    ScheduledFuture<?> unused =
        beacon.pulse.scheduleAtFixedRate(
            beacon::beat, interval.toMillis(), interval.toMillis(), TimeUnit.MILLISECONDS);
    return beacon;
  }

  private void takeOver(Duration interval) {
    LOG.info(
        "{} is there: seeing for {} s whether its holder lives",
        file,
        interval.multipliedBy(PATIENCE_BEATS).toSeconds());
    Optional<String> found = file.read();
    try {
      for (int i = 0; i < PATIENCE_BEATS; i++) {
        TimeUnit.MILLISECONDS.sleep(interval.toMillis());
        if (!file.read().equals(found)) {
          throw inUse();
        }
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw inUse();
    }
    file.overwrite(next());
  }

  private SparktuneException inUse() {
    return new SparktuneException(
        ErrorCode.OUTPUT,
        "Another run is writing to %s."
            .formatted(file.location().substring(0, file.location().lastIndexOf('/'))),
        "Wait for it, or name another folder with --output.");
  }

  private void beat() {
    try {
      file.overwrite(next());
    } catch (SparktuneException e) {
      // One beat may be missed; a file system that is gone fails the run itself.
      LOG.warn("{} could not be renewed: {}", file, e.getMessage());
    }
  }

  private byte[] next() {
    return "%s %d%n".formatted(name, beat++).getBytes(StandardCharsets.UTF_8);
  }

  @Override
  public void close() {
    pulse.shutdown();
    try {
      if (!pulse.awaitTermination(BEAT.toSeconds(), TimeUnit.SECONDS)) {
        pulse.shutdownNow();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    file.delete();
  }
}
