package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.jobs.cli.SharedSpark;

/** A master and two workers, each a process; their executors are processes too. */
@ExtendWith(SharedSpark.class)
@Timeout(400)
class StandaloneClusterTest {
  private static final Duration RUN = Duration.ofMinutes(3);

  @TempDir private static Path folder;
  private static RanksWorkflow workflow;
  private static TestSparkHome spark;

  @BeforeAll
  static void trainWithOneExecutor() throws IOException {
    workflow = RanksWorkflow.make(folder);
    spark = TestSparkHome.make(folder.resolve("spark"));
  }

  @Test
  void shouldGoOnWhenAnExecutorIsKilledInACheckpointAndWithFewerWhenAWorkerIs() throws IOException {
    try (StandaloneCluster cluster = cluster("kills");
        ChildProcess driver =
            start(
                cluster,
                "kills",
                "--set",
                "min_executors=1",
                "--set",
                "cluster.executor_wait_seconds=25")) {
      driver.awaitLine(Pattern.compile("step 5/24"), RUN);
      driver.awaitCondition("begin a checkpoint", RUN, () -> hasUnfinishedCheckpoint("kills"));
      kill(cluster.executors().subList(0, 1));
      // The worker starts another executor, and both go on.
      driver.awaitLine(Pattern.compile("Attempt 1 failed"), RUN);
      driver.awaitLine(Pattern.compile("step 14/24"), RUN);
      kill(cluster.workers().get(1).tree());
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      String told = driver.output();
      assertTrue(told.contains("Attempt 2 failed"), told);
      assertTrue(told.contains("1 executors train, 'executors' is 2"), told);
      workflow.requireSame("kills");
    }
  }

  @Test
  void shouldGiveUpWhenExecutorsAreLostWithoutANewCheckpoint() throws IOException {
    try (StandaloneCluster cluster = cluster("hopeless");
        ChildProcess driver =
            start(
                cluster,
                "hopeless",
                "--set",
                "cluster.max_attempts=2",
                "--set",
                "hyperparams.checkpoint_every=1000",
                "--set",
                "hyperparams.max_steps=100000")) {
      for (int attempt = 1; attempt <= 2; attempt++) {
        int times = attempt;
        driver.awaitCondition("train", RUN, () -> count(driver, "step 2/100000") >= times);
        kill(cluster.executors().subList(0, 1));
      }
      assertEquals(ErrorCode.PEER_LOST.exitStatus(), driver.awaitEnd(RUN), driver::output);
      assertTrue(driver.output().contains("failed 2 times in a row"), driver::output);
    }
  }

  private static StandaloneCluster cluster(String name) throws IOException {
    return StandaloneCluster.start(spark, folder.resolve("cluster-" + name), 2, 1, 1024);
  }

  private static ChildProcess start(StandaloneCluster cluster, String output, String... more)
      throws IOException {
    return SparktuneProcess.start(
        spark, folder, cluster.masterUrl(), RanksWorkflow.command(output, 2, more));
  }

  private static void kill(List<ProcessHandle> processes) {
    assertTrue(!processes.isEmpty(), "there is something to kill");
    processes.forEach(ProcessHandle::destroyForcibly);
  }

  private static long count(ChildProcess process, String text) {
    return process.lines().stream().filter(line -> line.contains(text)).count();
  }

  /** Whether there is a checkpoint without the manifest that makes it one. */
  private static boolean hasUnfinishedCheckpoint(String output) {
    Path checkpoints = workflow.task(output).resolve("checkpoints");
    if (!Files.exists(checkpoints)) {
      return false;
    }
    try (Stream<Path> steps = Files.list(checkpoints)) {
      return steps.anyMatch(
          step -> Files.isDirectory(step) && !Files.exists(step.resolve("state.json")));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
