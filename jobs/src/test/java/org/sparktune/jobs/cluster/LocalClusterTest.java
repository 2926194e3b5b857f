package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.jobs.cli.SharedSpark;

/** Two executors, each a process, that Spark's local cluster starts. */
@ExtendWith(SharedSpark.class)
@Timeout(300)
class LocalClusterTest {
  private static final Duration RUN = Duration.ofMinutes(3);
  private static final String MASTER = "local-cluster[2,1,1024]";

  @TempDir private static Path folder;
  private static RanksWorkflow workflow;
  private static TestSparkHome spark;

  @BeforeAll
  static void trainWithOneExecutor() throws IOException {
    workflow = RanksWorkflow.make(folder);
    spark = TestSparkHome.make(folder.resolve("spark"));
  }

  @Test
  void shouldGoOnFromTheCheckpointWhenAnExecutorIsKilled() throws IOException {
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate-killed"));
    gate.shut(12);
    try (ChildProcess driver = start("killed", gate.settings())) {
      gate.awaitWaiting(driver, 12);
      List<ProcessHandle> executors = SparktuneProcess.executors(driver);
      assertEquals(2, executors.size(), executors::toString);
      executors.get(0).destroyForcibly();
      gate.open(12);
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      String told = driver.output();
      assertTrue(told.contains("Attempt 1 failed"), told);
      assertTrue(told.contains("step 24/24 | loss"), told);
      assertTrue(told.contains("validation loss"), told);
      workflow.requireSame("killed");
    }
  }

  @Test
  void shouldStopBothExecutorsWithACheckpointWhenTheDriverIsTold() throws IOException {
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate-stopped"));
    gate.shut(8);
    try (ChildProcess driver = start("stopped", gate.settings())) {
      gate.awaitWaiting(driver, 8);
      driver.terminate();
      gate.open(8);
      driver.awaitEnd(RUN);
      assertTrue(driver.output().contains("Training was stopped after step"), driver::output);
    }
    try (ChildProcess driver = start("stopped", gate.settings())) {
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      workflow.requireSame("stopped");
    }
  }

  @Test
  void shouldSayWhichExecutorsAreMissing() throws IOException {
    try (ChildProcess driver = start("three", 3, "--set", "cluster.executor_wait_seconds=4")) {
      assertEquals(ErrorCode.RESOURCES.exitStatus(), driver.awaitEnd(RUN), driver::output);
      // Two at most: on a busy machine the executors may still be starting when the time is over.
      assertTrue(
          Pattern.compile("the cluster gave [012] slots?").matcher(driver.output()).find(),
          driver::output);
    }
  }

  private static ChildProcess start(String output, List<String> settings) throws IOException {
    return start(output, 2, settings.toArray(String[]::new));
  }

  private static ChildProcess start(String output, int executors, String... more)
      throws IOException {
    return SparktuneProcess.start(
        spark, folder, MASTER, RanksWorkflow.command(output, executors, more));
  }
}
