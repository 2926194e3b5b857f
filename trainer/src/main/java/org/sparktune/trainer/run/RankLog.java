package org.sparktune.trainer.run;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.MeteredCollective;

/**
 * {@code ranks/rank-00001.jsonl}: for each step how long a rank computed, how long it waited for
 * others, and what it sent. A run of one rank has none.
 */
public final class RankLog {
  private final MeteredCollective collective;
  private final Path folder;
  private final JsonLinesFile file;
  private long waitingBefore;
  private long sentBefore;

  RankLog(Path taskFolder, MeteredCollective collective) {
    this.collective = collective;
    this.folder = taskFolder.resolve("ranks");
    this.file = new JsonLinesFile(taskFolder.resolve(name(collective.rank())));
  }

  /** The file of a rank, relative to the task's folder. */
  public static String name(int rank) {
    return "ranks/rank-%05d.jsonl".formatted(rank);
  }

  /** Removes lines of steps that will be made again. */
  void truncateAfter(long step) {
    if (collective.ranks() == 1) {
      return;
    }
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "The folder %s cannot be made (%s).".formatted(folder, e.getMessage()),
          "Check the output folder's permissions.",
          e);
    }
    file.truncateAfter(step);
  }

  /** A step begins. */
  void begin() {
    waitingBefore = collective.waitingNanos();
    sentBefore = collective.bytesSent();
  }

  /**
   * A step was made.
   *
   * @param step steps made
   * @param seconds since it began
   */
  void stepped(long step, double seconds) {
    if (collective.ranks() == 1) {
      return;
    }
    double waitMillis = (collective.waitingNanos() - waitingBefore) * 1e-6;
    Map<String, Object> line = new LinkedHashMap<>();
    line.put("step", step);
    line.put("compute_ms", seconds * 1e3 - waitMillis);
    line.put("wait_ms", waitMillis);
    line.put("bytes_sent", collective.bytesSent() - sentBefore);
    file.append(line);
  }
}
