package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.jobs.Sparktune;

/** The command line in a process of its own, from the class path of the tests. */
final class SparktuneProcess {
  private static final String EXECUTOR = "CoarseGrainedExecutorBackend";

  private SparktuneProcess() {}

  /**
   * Starts a command line as the driver of a Spark with executors of their own processes.
   *
   * @param folder its working directory
   * @param master where the executors come from
   * @param arguments the command and its options
   */
  static ChildProcess start(TestSparkHome spark, Path folder, String master, String... arguments)
      throws IOException {
    List<String> options = TestSparkHome.javaOptions();
    List<String> command = new ArrayList<>();
    command.add(ChildProcess.java());
    command.add("-Xmx512m");
    command.add("-XX:+UseSerialGC");
    command.addAll(options);
    command.add("-Dlog4j2.configurationFile=" + logging());
    command.addAll(List.of("-cp", TestSparkHome.testClassPath(), Sparktune.class.getName()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--master", master));
    setting(command, "spark.driver.host", "localhost");
    setting(command, "spark.executor.memory", "512m");
    setting(command, "spark.executor.extraClassPath", TestSparkHome.testClassPath());
    setting(
        command,
        "spark.executor.extraJavaOptions",
        String.join(" ", options) + " -XX:+UseSerialGC -Dlog4j2.configurationFile=" + logging());
    return ChildProcess.start("sparktune", folder, spark.environment(), command);
  }

  /** The executors among the processes that a driver started. */
  static List<ProcessHandle> executors(ChildProcess driver) {
    List<ProcessHandle> executors = new ArrayList<>();
    for (ProcessHandle process : driver.tree()) {
      if (process.info().commandLine().orElse("").contains(EXECUTOR)) {
        executors.add(process);
      }
    }
    return executors;
  }

  private static void setting(List<String> command, String key, String value) {
    command.add("--conf");
    command.add(key + "=" + value);
  }

  private static String logging() {
    return TestSparkHome.project().resolve("conf/log4j2.properties").toUri().toString();
  }
}
