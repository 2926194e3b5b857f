package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
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
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate-kills"));
    gate.shut(8);
    gate.shut(16);
    List<String> settings = new ArrayList<>(gate.settings());
    Collections.addAll(
        settings, "--set", "min_executors=1", "--set", "cluster.executor_wait_seconds=30");
    try (StandaloneCluster cluster = cluster("kills");
        ChildProcess driver = start(cluster, "kills", settings)) {
      gate.awaitWaiting(driver, 8);
      kill(cluster.executors().subList(0, 1));
      gate.open(8);
      // The worker starts another executor, and both go on.
      gate.awaitWaiting(driver, 16);
      kill(cluster.workers().get(1).tree());
      gate.open(16);
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      String told = driver.output();
      assertTrue(told.contains("Attempt 1 failed"), told);
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
                List.of(
                    "--set",
                    "cluster.max_attempts=2",
                    "--set",
                    "hyperparams.checkpoint_every=0",
                    "--set",
                    "hyperparams.max_steps=100000"))) {
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

  private static ChildProcess start(StandaloneCluster cluster, String output, List<String> more)
      throws IOException {
    return SparktuneProcess.start(
        spark,
        folder,
        cluster.masterUrl(),
        RanksWorkflow.command(output, 2, more.toArray(String[]::new)));
  }

  private static void kill(List<ProcessHandle> processes) {
    assertTrue(!processes.isEmpty(), "there is something to kill");
    processes.forEach(ProcessHandle::destroyForcibly);
  }

  private static long count(ChildProcess process, String text) {
    return process.lines().stream().filter(line -> line.contains(text)).count();
  }
}
