package org.sparktune.jobs.cluster;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
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
    return start(spark, folder, master, null, arguments);
  }

  /**
   * Starts a command line as the driver of a Spark on Hadoop.
   *
   * @param hadoop the folder of Hadoop's configuration; null for none
   */
  static ChildProcess start(
      TestSparkHome spark, Path folder, String master, Path hadoop, String... arguments)
      throws IOException {
    List<String> options = TestSparkHome.javaOptions();
    List<String> command = new ArrayList<>();
    command.add(ChildProcess.java());
    command.add("-Xmx512m");
    command.add("-XX:+UseSerialGC");
    command.addAll(options);
    command.add("-Dlog4j2.configurationFile=" + logging());
    Map<String, String> environment = new HashMap<>(spark.environment());
    String classPath = TestSparkHome.testClassPath();
    if (hadoop != null) {
      // As spark-submit does.
      environment.put("HADOOP_CONF_DIR", hadoop.toString());
      classPath = hadoop + File.pathSeparator + classPath;
    }
    command.addAll(List.of("-cp", classPath, Sparktune.class.getName()));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--master", master));
    setting(command, "spark.driver.host", "localhost");
    setting(command, "spark.executor.memory", "512m");
    setting(command, "spark.executor.extraClassPath", TestSparkHome.testClassPath());
    setting(
        command,
        "spark.executor.extraJavaOptions",
        String.join(" ", options) + " -XX:+UseSerialGC -Dlog4j2.configurationFile=" + logging());
    return ChildProcess.start("sparktune", folder, environment, command);
  }

  /** The executors among the processes that a driver, a worker or a node manager started. */
  static List<ProcessHandle> executors(ChildProcess parent) {
    List<ProcessHandle> executors = new ArrayList<>();
    for (ProcessHandle process : parent.tree()) {
      boolean java = process.info().command().orElse("").endsWith("java");
      if (java && commandLine(process).contains(EXECUTOR)) {
        executors.add(process);
      }
    }
    return executors;
  }

  /** Java's own answer is empty for command lines as long as these. */
  private static String commandLine(ProcessHandle process) {
    try {
      return Files.readString(Path.of("/proc", Long.toString(process.pid()), "cmdline"));
    } catch (IOException e) {
      return ""; // it has ended
    }
  }

  private static void setting(List<String> command, String key, String value) {
    command.add("--conf");
    command.add(key + "=" + value);
  }

  private static String logging() {
    return TestSparkHome.project().resolve("conf/log4j2.properties").toUri().toString();
  }
}
