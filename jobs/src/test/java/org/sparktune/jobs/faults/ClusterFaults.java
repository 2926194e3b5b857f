package org.sparktune.jobs.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.jobs.cluster.CableBetweenHosts;
import org.sparktune.jobs.cluster.ChildProcess;
import org.sparktune.jobs.cluster.StandaloneCluster;

/** Executors that die or sleep, bad networks, full disks, damaged files, strangers. */
class ClusterFaults {
  private static final Duration SLEEP = Duration.ofSeconds(20);

  @TempDir private static Path folder;
  private static FaultyRun training;

  @BeforeAll
  static void trainUndisturbed() throws IOException {
    training = FaultyRun.prepare(folder);
  }

  @AfterAll
  static void forget() {
    training = null;
  }

  @ParameterizedTest
  @ValueSource(ints = {12, 20, 33})
  void shouldSurviveTheKillOfAnExecutor(int step) throws IOException {
    String output = "killed-" + step;
    try (StandaloneCluster cluster = training.cluster("cluster-" + output, 2);
        ChildProcess run =
            training.start(cluster, output, "--set", "cluster.peer_timeout_seconds=5")) {
      training.awaitStep(run, output, step);
      executor(cluster).destroyForcibly();
      training.requireUndisturbed(run, output);
      assertTrue(run.output().contains("Attempt 1 failed"), run::output);
    }
  }

  /** Steps 5, 10, 15 … save: the kill hits while parts are written, or just before or after. */
  @Test
  void shouldSurviveTheKillOfAnExecutorThatSaves() throws IOException {
    String output = "killed-saving";
    try (StandaloneCluster cluster = training.cluster("cluster-" + output, 2);
        ChildProcess run =
            training.start(cluster, output, "--set", "cluster.peer_timeout_seconds=5")) {
      Path checkpoints = folder.resolve(output).resolve("tuned/checkpoints");
      run.awaitCondition(
          "begin a checkpoint", FaultyRun.PATIENCE, () -> holdsUnfinished(checkpoints));
      executor(cluster).destroyForcibly();
      training.requireUndisturbed(run, output);
    }
  }

  @Test
  void shouldWaitForAnExecutorThatSleepsForLessThanTheTimeout() throws Exception {
    String output = "slept";
    try (StandaloneCluster cluster = training.cluster("cluster-" + output, 2);
        ChildProcess run =
            training.start(cluster, output, "--set", "cluster.peer_timeout_seconds=60")) {
      training.awaitStep(run, output, 15);
      sleep(executor(cluster));
      training.requireUndisturbed(run, output);
      assertTrue(!run.output().contains("Attempt 1 failed"), run::output);
    }
  }

  @Test
  void shouldGoOnWithoutAnExecutorThatSleepsForLongerThanTheTimeout() throws Exception {
    String output = "overslept";
    try (StandaloneCluster cluster = training.cluster("cluster-" + output, 2);
        ChildProcess run =
            training.start(cluster, output, "--set", "cluster.peer_timeout_seconds=5")) {
      training.awaitStep(run, output, 15);
      sleep(executor(cluster));
      training.requireUndisturbed(run, output);
      assertTrue(run.output().contains("Attempt 1 failed"), run::output);
    }
  }

  @ParameterizedTest
  @CsvSource({"0,0,0", "1,0,0", "5,0,0", "0,150,30", "1,150,30"})
  void shouldTrainOverABadNetwork(double lossPercent, int delayMillis, int jitterMillis)
      throws IOException {
    Assumptions.assumeTrue(CableBetweenHosts.obstacle().isEmpty(), CableBetweenHosts::obstacle);
    String output = "network-%s-%d".formatted(lossPercent, delayMillis);
    try (CableBetweenHosts cable =
            CableBetweenHosts.lay(folder, lossPercent, delayMillis, jitterMillis);
        StandaloneCluster cluster =
            training.cluster("cluster-" + output, List.of(cable.host(0), cable.host(1)));
        ChildProcess run =
            training.start(cable.host(0), cluster, output, "--set", "cluster.transport=udp")) {
      long begin = System.nanoTime();
      training.requireUndisturbed(run, output);
      System.out.printf(
          "loss %s %%, delay %d ± %d ms: %d s, %s%n",
          lossPercent,
          delayMillis,
          jitterMillis,
          TimeUnit.NANOSECONDS.toSeconds(System.nanoTime() - begin),
          cable.cut());
    }
  }

  @Test
  void shouldKeepTheFormerCheckpointWhenTheDiskIsFull() throws IOException {
    Path disk = Files.createDirectory(folder.resolve("disk"));
    Assumptions.assumeTrue(
        end("mount", "-t", "tmpfs", "-o", "size=16m", "none", disk.toString()) == 0,
        "a small file system cannot be mounted");
    try (StandaloneCluster cluster = training.cluster("cluster-disk", 2)) {
      Path filler = disk.resolve("filler");
      try (ChildProcess run = training.start(cluster, "disk")) {
        training.awaitStep(run, "disk", 12);
        fill(filler);
        assertEquals(8, run.awaitEnd(FaultyRun.PATIENCE), run::output);
        assertTrue(
            Pattern.compile("(?i)no space|are free").matcher(run.output()).find(), run::output);
      }
      Files.delete(filler);
      try (ChildProcess run = training.start(cluster, "disk")) {
        training.requireUndisturbed(run, "disk");
      }
    } finally {
      assertEquals(0, end("umount", disk.toString()));
    }
  }

  @Test
  void shouldPassOverADamagedCheckpoint() throws IOException {
    String output = "damaged";
    try (StandaloneCluster cluster = training.cluster("cluster-damaged", 2)) {
      try (ChildProcess run = training.start(cluster, output)) {
        training.awaitStep(run, output, 22);
        run.terminate();
        assertNotEquals(0, run.awaitEnd(FaultyRun.PATIENCE), run::output);
      }
      Path checkpoint = training.newestCheckpoint(output);
      damage(largestFile(checkpoint));
      try (ChildProcess run = training.start(cluster, output)) {
        training.requireUndisturbed(run, output);
        String logs = run.output() + cluster.executorLogs();
        assertTrue(logs.contains(checkpoint.getFileName() + ": "), run::output);
      }
    }
  }

  @Test
  void shouldTrainTwiceAtOnceOnOneHost() throws IOException {
    try (StandaloneCluster one = training.cluster("cluster-one", 2);
        StandaloneCluster two = training.cluster("cluster-two", 2);
        ChildProcess first = training.start(one, "first");
        ChildProcess second = training.start(two, "second")) {
      training.requireUndisturbed(first, "first");
      training.requireUndisturbed(second, "second");
    }
  }

  @Test
  void shouldIgnoreStrangersAtItsPorts() throws IOException {
    String output = "garbage";
    try (StandaloneCluster cluster = training.cluster("cluster-garbage", 2);
        ChildProcess run = training.start(cluster, output, "--set", "cluster.transport=udp");
        Stranger stranger = new Stranger(new Random(7))) {
      training.awaitStep(run, output, 3);
      stranger.begin(cluster.executors());
      training.requireUndisturbed(run, output);
      assertTrue(stranger.sent() > 0, "It found no port to send to");
      System.out.printf("%d packets of garbage%n", stranger.sent());
    }
  }

  private static ProcessHandle executor(StandaloneCluster cluster) {
    List<ProcessHandle> executors = cluster.executors();
    return executors.get(executors.size() - 1);
  }

  private static void sleep(ProcessHandle executor) throws IOException, InterruptedException {
    assertEquals(0, end("kill", "-STOP", Long.toString(executor.pid())));
    // The fault itself: time passes while the executor does nothing.
    TimeUnit.SECONDS.sleep(SLEEP.toSeconds());
    end("kill", "-CONT", Long.toString(executor.pid()));
  }

  private static boolean holdsUnfinished(Path checkpoints) {
    if (!Files.isDirectory(checkpoints)) {
      return false;
    }
    try (var found = Files.list(checkpoints)) {
      return found.anyMatch(
          path -> Files.isDirectory(path) && !Files.exists(path.resolve("state.json")));
    } catch (IOException | java.io.UncheckedIOException renamedMeanwhile) {
      return false;
    }
  }

  private static void fill(Path filler) throws IOException {
    byte[] block = new byte[1 << 16];
    try (var out = Files.newOutputStream(filler)) {
      while (filler.toFile().getUsableSpace() > 0) {
        out.write(block, 0, (int) Math.min(block.length, filler.toFile().getUsableSpace()));
      }
    }
  }

  private static Path largestFile(Path checkpoint) throws IOException {
    try (var files = Files.walk(checkpoint)) {
      return files
          .filter(Files::isRegularFile)
          .max((a, b) -> Long.compare(a.toFile().length(), b.toFile().length()))
          .orElseThrow();
    }
  }

  private static void damage(Path file) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      long middle = bytes.length() / 2;
      bytes.seek(middle);
      int value = bytes.read();
      bytes.seek(middle);
      bytes.write(value ^ 0xff);
    }
  }

  private static int end(String... command) throws IOException {
    try (ChildProcess process =
        ChildProcess.start(command[0], folder, Map.of(), List.of(command))) {
      return process.awaitEnd(Duration.ofSeconds(20));
    }
  }
}
