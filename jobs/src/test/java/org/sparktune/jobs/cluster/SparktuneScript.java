package org.sparktune.jobs.cluster;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The script {@code spark-submit/sparktune} of this checkout, which must be packaged. */
public final class SparktuneScript {
  private SparktuneScript() {}

  /**
   * Starts a command line.
   *
   * @param folder its working directory
   * @param environment further variables, or {@link TestSparkHome#environment()}
   */
  public static ChildProcess start(
      Path folder, Map<String, String> environment, Object... arguments) throws IOException {
    return start(ClusterHost.LOCAL, folder, environment, arguments);
  }

  /**
   * Starts a command line on a host.
   *
   * @param folder its working directory
   * @param environment further variables, or {@link TestSparkHome#environment()}
   */
  public static ChildProcess start(
      ClusterHost host, Path folder, Map<String, String> environment, Object... arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(TestSparkHome.project().resolve("spark-submit/sparktune").toString());
    for (Object argument : arguments) {
      command.add(argument.toString());
    }
    Map<String, String> variables = new HashMap<>();
    variables.put("SPARK_HOME", "");
    variables.put("JAVA_HOME", System.getProperty("java.home"));
    variables.putAll(environment);
    variables.putIfAbsent("SPARKTUNE_HEAP", "512m");
    variables.putIfAbsent("SPARKTUNE_JAVA_OPTS", ChildProcess.SHORT_LIVED);
    variables.put("SPARKTUNE_SKIP_BUILD", "1");
    if (!host.equals(ClusterHost.LOCAL)) {
      variables.put("SPARK_LOCAL_IP", host.numericAddress());
    }
    return ChildProcess.start(
        "sparktune " + arguments[0], folder, variables, host.command(command));
  }
}
