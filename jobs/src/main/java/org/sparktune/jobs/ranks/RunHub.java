package org.sparktune.jobs.ranks;

import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.sparktune.trainer.run.TrainingListener;

/**
 * The driver's end of the ranks' lines: passes on what rank 0 says, remembers who has ended, and
 * answers with the driver's order. A rank that belongs to no run here, or to an earlier attempt, is
 * told to leave.
 */
public final class RunHub implements AutoCloseable {
  private static final Map<String, RunHub> RUNS = new ConcurrentHashMap<>();

  private final String runId;
  private final TrainingListener listener;
  private final BooleanSupplier stop;
  private final Map<Integer, String> hosts = new TreeMap<>();
  private final Set<Integer> ended = new TreeSet<>();
  private int attempt;
  private int ranks;
  private boolean failed;
  private long failureNanos;

  private RunHub(String runId, TrainingListener listener, BooleanSupplier stop) {
    this.runId = runId;
    this.listener = listener;
    this.stop = stop;
  }

  /**
   * Listens to a run until closed.
   *
   * @param listener is told what rank 0 says, on whichever thread brings it, one at a time
   * @param stop whether the ranks shall end with a checkpoint
   */
  public static RunHub open(String runId, TrainingListener listener, BooleanSupplier stop) {
    RunHub hub = new RunHub(runId, listener, stop);
    RUNS.put(runId, hub);
    return hub;
  }

  /** Whether a run's driver is this process. */
  public static boolean isHere(String runId) {
    return RUNS.containsKey(runId);
  }

  /** Takes a rank's report. */
  public static Order receive(String text) {
    RankReport report = RankReport.parse(text);
    RunHub hub = RUNS.get(report.runId());
    return hub == null ? Order.LEAVE : hub.take(report);
  }

  /** From now on only the ranks of this attempt belong to the run. */
  public synchronized void begin(int newAttempt, int newRanks) {
    attempt = newAttempt;
    ranks = newRanks;
    hosts.clear();
    ended.clear();
    failed = false;
  }

  /**
   * The ranks that still go on, in words, when one failed longer ago than the patience with those
   * that do not follow it.
   */
  public synchronized Optional<String> stragglers(Duration patience) {
    boolean all = ended.size() == ranks;
    if (!failed || all || System.nanoTime() - failureNanos < patience.toNanos()) {
      return Optional.empty();
    }
    StringBuilder words = new StringBuilder();
    for (int rank = 0; rank < ranks; rank++) {
      if (!ended.contains(rank)) {
        words
            .append(words.isEmpty() ? "" : ", ")
            .append("rank %d on %s".formatted(rank, hosts.getOrDefault(rank, "an unknown host")));
      }
    }
    return Optional.of(words.toString());
  }

  @Override
  public void close() {
    RUNS.remove(runId);
  }

  private synchronized Order take(RankReport report) {
    if (report.attempt() != attempt) {
      return Order.LEAVE;
    }
    hosts.put(report.rank(), report.host());
    switch (report.stage()) {
      case RUNNING -> {}
      case ENDED -> ended.add(report.rank());
      case FAILED -> {
        ended.add(report.rank());
        if (!failed) {
          failed = true;
          failureNanos = System.nanoTime();
        }
      }
    }
    if (report.rank() == 0) {
      for (ProgressEvent event : report.events()) {
        event.tell(listener);
      }
    }
    return stop.getAsBoolean() ? Order.STOP : Order.CONTINUE;
  }
}
