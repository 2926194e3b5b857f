package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cli.TinyWorkflow;

/**
 * The packaged launcher: without a SPARK_HOME, through {@code spark-submit} in local mode, and
 * through {@code spark-submit} on a cluster of separate processes. All leave the same bits.
 */
class LauncherIT {
  private static final Duration RUN = Duration.ofMinutes(4);

  @TempDir private static Path folder;
  private static Map<String, String> undisturbed;
  private static TestSparkHome spark;

  @BeforeAll
  static void runWithoutSparkHome() throws IOException {
    TinyWorkflow.write(folder);
    run("plain", Map.of());
    undisturbed = adapter("plain");
    assertFalse(undisturbed.isEmpty());
    spark = TestSparkHome.make(folder.resolve("spark home"));
  }

  @Test
  void shouldRunThroughSparkSubmitInLocalMode() throws IOException {
    // A cluster's defaults must not break it; Spark's distributions often name this serializer.
    Files.writeString(
        spark.folder().resolve("conf/spark-defaults.conf"),
        """
        spark.serializer  org.apache.spark.serializer.KryoSerializer
        spark.driver.defaultJavaOptions=-Dof.the.cluster=yes
        """);
    Map<String, String> environment = new HashMap<>(spark.environment());
    environment.put(
        "SPARKTUNE_JAVA_OPTS",
        "-Dof.the.user=yes -XX:+PrintCommandLineFlags " + ChildProcess.SHORT_LIVED);
    ChildProcess run = run("local", environment);
    assertEquals(undisturbed, adapter("local"));
    assertTrue(run.output().contains("-XX:MaxHeapSize=536870912"), run::output);
  }

  @Test
  void shouldRunOnAClusterOfSeparateProcesses() throws IOException {
    try (StandaloneCluster cluster =
        StandaloneCluster.start(spark, folder.resolve("cluster"), 1, 2, 1024)) {
      run(
          "cluster-run",
          spark.environment(),
          "--master",
          cluster.masterUrl(),
          "--conf",
          "spark.driver.host=localhost",
          "--conf",
          "spark.executor.memory=512m");
      String logs = cluster.executorLogs();
      assertTrue(logs.contains("step 6/6"), () -> "The training ran in an executor: " + logs);
    }
    assertEquals(undisturbed, adapter("cluster-run"));
  }

  private static ChildProcess run(String output, Map<String, String> environment, String... options)
      throws IOException {
    Object[] arguments = new Object[4 + options.length];
    arguments[0] = "run";
    arguments[1] = "spec.yaml";
    arguments[2] = "--output";
    arguments[3] = output;
    System.arraycopy(options, 0, arguments, 4, options.length);
    try (ChildProcess run = SparktuneScript.start(folder, environment, arguments)) {
      int status = run.awaitEnd(RUN);
      assertEquals(0, status, run::output);
      return run;
    }
  }

  private static Map<String, String> adapter(String output) throws IOException {
    return TinyWorkflow.checksums(folder.resolve(output).resolve("assistant/adapter"));
  }
}
