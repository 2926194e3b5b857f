package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cli.SharedSpark;

/** Executors that YARN starts, and replaces when one is killed. Runs with {@code -Pyarn}. */
@ExtendWith(SharedSpark.class)
@Timeout(400)
class TrainingOnYarn {
  private static final Duration RUN = Duration.ofMinutes(4);

  @Test
  void shouldTrainTheSameBitsOnYarnThoughAnExecutorIsKilled(@TempDir Path folder)
      throws IOException {
    RanksWorkflow workflow = RanksWorkflow.make(folder);
    TestSparkHome spark = TestSparkHome.make(folder.resolve("spark"));
    addYarn(spark);
    CheckpointGate gate = CheckpointGate.make(folder.resolve("gate"));
    gate.shut(12);
    List<String> settings = new ArrayList<>(gate.settings());
    Collections.addAll(
        settings,
        "--conf",
        "spark.yarn.jars=local:" + spark.folder().resolve("jars") + "/*",
        "--conf",
        "spark.yarn.stagingDir=" + folder.resolve("staging").toUri(),
        "--conf",
        "spark.yarn.am.memory=512m",
        // The small cluster's jar has a servlet filter for the web server of its own shading only.
        "--conf",
        "spark.ui.enabled=false");
    try (YarnCluster yarn = YarnCluster.start(spark, folder);
        ChildProcess driver =
            SparktuneProcess.start(
                spark,
                folder,
                "yarn",
                yarn.configuration(),
                RanksWorkflow.command("yarn-run", 2, settings.toArray(String[]::new)))) {
      gate.awaitWaiting(driver, 12);
      List<ProcessHandle> executors = yarn.executors();
      assertEquals(2, executors.size(), executors::toString);
      executors.get(1).destroyForcibly();
      gate.open(12);
      assertEquals(0, driver.awaitEnd(RUN), driver::output);
      assertTrue(driver.output().contains("Attempt 1 failed"), driver::output);
      workflow.requireSame("yarn-run");
    }
  }

  /** A distribution has it; for our poms it is a jar for tests. */
  private static void addYarn(TestSparkHome spark) throws IOException {
    for (String entry : TestSparkHome.testClassPath().split(File.pathSeparator, -1)) {
      Path jar = Path.of(entry);
      if (jar.getFileName().toString().startsWith("spark-yarn_")) {
        Files.copy(jar, spark.folder().resolve("jars").resolve(jar.getFileName()));
      }
    }
  }
}
