package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;

/**
 * Holds a training in the middle of a checkpoint, in whatever processes it runs, for as long as a
 * test needs.
 *
 * @param folder where the gates are, and the checkpoints
 */
record CheckpointGate(Path folder) {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  /** Makes the folder. */
  static CheckpointGate make(Path folder) throws IOException {
    return new CheckpointGate(Files.createDirectories(folder));
  }

  /** What a training's command line needs. */
  List<String> settings() {
    return List.of(
        "--set",
        "checkpoints=%s://%s/checkpoints".formatted(GatedFileSystem.SCHEME, folder),
        "--conf",
        "spark.hadoop.fs.gated.impl=" + GatedFileSystem.class.getName(),
        "--conf",
        "spark.hadoop." + GatedFileSystem.GATE + "=" + folder);
  }

  /** Lets no rank finish its part of a step's checkpoint. */
  void shut(int step) throws IOException {
    Files.createFile(folder.resolve(name(step)));
  }

  /** Waits until a rank has begun its part and waits at the gate. */
  void awaitWaiting(ChildProcess driver, int step) {
    Path waiting = folder.resolve("waits-for-" + name(step));
    driver.awaitCondition("come to checkpoint " + step, PATIENCE, () -> Files.exists(waiting));
  }

  /** Lets all go on. */
  void open(int step) throws IOException {
    Files.delete(folder.resolve(name(step)));
  }

  private static String name(int step) {
    return "step-%08d".formatted(step);
  }
}
