package org.sparktune.jobs.cluster;

import java.io.File;
import java.io.IOException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * A Spark home in a temporary folder: the jars that Maven fetched as {@code provided}, and the two
 * scripts of a distribution that a launch needs, which come in no jar. The command lines are made
 * by Spark's own launcher, as in a distribution.
 *
 * @param folder what SPARK_HOME is set to
 */
public record TestSparkHome(Path folder) {
  private static final String SCALA_VERSION = "2.12";

  /** What a distribution has, but is of a wider scope in our poms because we use it ourselves. */
  private static final Pattern ALSO_IN_SPARK =
      Pattern.compile(
          "(slf4j-api|jackson-(core|annotations|databind)|commons-(compress|io|lang3|math3)|gson)"
              + "-[0-9].*\\.jar");

  private static final String SPARK_CLASS =
      """
      #!/usr/bin/env bash
      set -euo pipefail
      SPARK_HOME=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd -P)
      export SPARK_HOME SPARK_SCALA_VERSION=%s
      java=${JAVA_HOME:+$JAVA_HOME/bin/}java
      command=()
      # Spark's launcher prints a line to skip, then the words of the command, each ended by a zero.
      while IFS= read -r -d '' word; do command+=("$word"); done \\
        < <("$java" -Xmx128m -cp "$SPARK_HOME/jars/*" org.apache.spark.launcher.Main "$@" | tail -n +2)
      [ ${#command[@]} -gt 0 ] || exit 1
      exec "${command[@]}"
      """
          .formatted(SCALA_VERSION);

  private static final String SPARK_SUBMIT =
      """
      #!/usr/bin/env bash
      exec "$(dirname "${BASH_SOURCE[0]}")/spark-class" org.apache.spark.deploy.SparkSubmit "$@"
      """;

  /**
   * Makes one.
   *
   * @param folder is created
   */
  public static TestSparkHome make(Path folder) throws IOException {
    Path jars = Files.createDirectories(folder.resolve("jars"));
    for (Path jar : sparkJars()) {
      link(jar, jars.resolve(jar.getFileName()));
    }
    Path programs = Files.createDirectories(folder.resolve("bin"));
    writeProgram(programs.resolve("spark-class"), SPARK_CLASS);
    writeProgram(programs.resolve("spark-submit"), SPARK_SUBMIT);
    Files.createDirectories(folder.resolve("conf"));
    return new TestSparkHome(folder);
  }

  /** The project's folder. */
  public static Path project() {
    // Maven sets 'basedir' to the module's folder; other runners start in it.
    return Path.of(System.getProperty("basedir", "")).toAbsolutePath().getParent();
  }

  /**
   * The class path of the tests, for executors of this machine that shall see what the test sees:
   * {@code spark.executor.extraClassPath}.
   */
  public static String testClassPath() {
    return System.getProperty("java.class.path");
  }

  /**
   * The options of {@code spark-submit/java-options}, and {@link ChildProcess#SHORT_LIVED}. Every
   * bit must be what the tests' own process computes, which compiles as far as Java can.
   */
  public static List<String> javaOptions() throws IOException {
    List<String> options = new ArrayList<>(List.of(ChildProcess.SHORT_LIVED));
    for (String line : Files.readAllLines(project().resolve("spark-submit/java-options"))) {
      if (!line.isBlank() && !line.startsWith("#")) {
        options.add(line);
      }
    }
    return options;
  }

  /**
   * The environment of a process of this Spark; nothing of a Spark of the machine comes through.
   */
  public Map<String, String> environment() {
    Map<String, String> environment = new HashMap<>();
    for (String name : System.getenv().keySet()) {
      if (name.startsWith("SPARK_") || name.startsWith("SPARKTUNE_")) {
        environment.put(name, "");
      }
    }
    environment.put("SPARK_HOME", folder.toString());
    environment.put("SPARK_SCALA_VERSION", SCALA_VERSION);
    environment.put("SPARK_LOCAL_IP", "127.0.0.1");
    environment.put("JAVA_HOME", System.getProperty("java.home"));
    return environment;
  }

  /** Starts a class of Spark itself in a process of its own. */
  ChildProcess start(String name, ClusterHost host, String mainClass, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(folder.resolve("bin/spark-class").toString());
    command.add(mainClass);
    command.addAll(arguments);
    Map<String, String> environment = environment();
    environment.put("SPARK_DAEMON_MEMORY", "256m");
    environment.put("SPARK_DAEMON_JAVA_OPTS", ChildProcess.SHORT_LIVED);
    environment.put("SPARK_LOCAL_IP", host.numericAddress());
    return ChildProcess.start(name, folder, environment, host.command(command));
  }

  private static Set<Path> sparkJars() throws IOException {
    Path list = project().resolve("jobs/target/launcher/provided.classpath");
    Set<Path> jars = new TreeSet<>();
    for (String jar : Files.readString(list).strip().split(File.pathSeparator, -1)) {
      jars.add(Path.of(jar));
    }
    for (String entry : testClassPath().split(File.pathSeparator, -1)) {
      Path path = Path.of(entry);
      if (ALSO_IN_SPARK.matcher(path.getFileName().toString()).matches()) {
        jars.add(path);
      }
    }
    return jars;
  }

  /** A hard link, because JUnit warns of every symbolic one that it deletes; or a copy. */
  private static void link(Path jar, Path target) throws IOException {
    try {
      Files.createLink(target, jar);
    } catch (FileSystemException | UnsupportedOperationException e) {
      // Another file system.
      Files.copy(jar, target);
    }
  }

  private static void writeProgram(Path file, String text) throws IOException {
    Files.writeString(file, text);
    if (!file.toFile().setExecutable(true)) {
      throw new IOException(file + " cannot be made executable");
    }
  }
}
