package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.jobs.cli.SharedSpark;

/** A master and two workers, each a process; their executors are processes too. */
@ExtendWith(SharedSpark.class)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
@Timeout(400)
class StandaloneClusterTest {
  private static final Duration RUN = Duration.ofMinutes(3);

  @TempDir private static Path folder;
  private static RanksWorkflow workflow;
  private static TestSparkHome spark;
  private static StandaloneCluster cluster;

  @BeforeAll
  static void startClusterAndTrainWithOneExecutor() throws IOException {
    workflow = RanksWorkflow.make(folder);
    spark = TestSparkHome.make(folder.resolve("spark"));
    cluster = StandaloneCluster.start(spark, folder.resolve("cluster"), 2, 1, 1024);
  }

  @AfterAll
  static void endCluster() {
    if (cluster != null) {
      cluster.close();
    }
  }

  @BeforeEach
  void awaitEndOfOtherExecutors() {
    cluster
        .workers()
        .get(0)
        .awaitCondition("end its executors", RUN, () -> cluster.executors().isEmpty());
  }

  // It leaves one worker of two.
  @Order(Integer.MAX_VALUE)
  @Test
  void shouldGoOnWhenAnExecutorIsKilledInACheckpointAndWithFewerWhenAWorkerIs() throws IOException {
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate-kills"));
    gate.shut(8);
    gate.shut(16);
    List<String> settings = new ArrayList<>(gate.settings());
    Collections.addAll(
        settings, "--set", "min_executors=1", "--set", "cluster.executor_wait_seconds=30");
    try (ChildProcess driver = start("kills", 2, settings)) {
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
    try (ChildProcess driver =
        start(
            "hopeless",
            2,
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

  @Test
  void shouldStopBothExecutorsWithACheckpointWhenTheDriverIsTold() throws IOException {
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate-stopped"));
    gate.shut(8);
    try (ChildProcess driver = start("stopped", 2, gate.settings())) {
      gate.awaitWaiting(driver, 8);
      driver.terminate();
      gate.open(8);
      driver.awaitEnd(RUN);
      assertTrue(driver.output().contains("Training was stopped after step"), driver::output);
    }
    try (ChildProcess driver = start("stopped", 2, gate.settings())) {
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      workflow.requireSame("stopped");
    }
  }

  @Test
  void shouldSayWhichExecutorsAreMissing() throws IOException {
    try (ChildProcess driver =
        start("three", 3, List.of("--set", "cluster.executor_wait_seconds=4"))) {
      assertEquals(ErrorCode.RESOURCES.exitStatus(), driver.awaitEnd(RUN), driver::output);
      // Two at most: on a busy machine the executors may still be starting when the time is over.
      assertTrue(
          Pattern.compile("the cluster gave [012] slots?").matcher(driver.output()).find(),
          driver::output);
    }
  }

  private static ChildProcess start(String output, int executors, List<String> more)
      throws IOException {
    return SparktuneProcess.start(
        spark,
        folder,
        cluster.masterUrl(),
        RanksWorkflow.command(output, executors, more.toArray(String[]::new)));
  }

  private static void kill(List<ProcessHandle> processes) {
    assertTrue(!processes.isEmpty(), "there is something to kill");
    processes.forEach(ProcessHandle::destroyForcibly);
  }

  private static long count(ChildProcess process, String text) {
    return process.lines().stream().filter(line -> line.contains(text)).count();
  }
}
