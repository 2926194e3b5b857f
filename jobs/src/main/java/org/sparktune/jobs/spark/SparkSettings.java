package org.sparktune.jobs.spark;

import java.io.IOException;
import java.nio.file.Files;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkContext;
import org.apache.spark.SparkException;
import org.apache.spark.sql.SparkSession;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.pipeline.storage.HadoopSettings;

/**
 * How Spark is started.
 *
 * @param master the master's URL; null for what spark-submit set, or all local cores
 * @param configuration further settings; they win over ours
 */
public record SparkSettings(String master, Map<String, String> configuration) {

  private static final String PLUGINS = "spark.plugins";

  /** Ranks that load the same model from the same storage are not this far apart. */
  private static final int MEETING_SECONDS = 900;

  /** Hadoop's settings, before a session is there too. */
  public Configuration hadoop() {
    return HadoopSettings.with(configuration);
  }

  /** Whether all of this Spark is in the driver's process. */
  public boolean isOneProcess() {
    return isOneProcess(effectiveMaster(1));
  }

  /** Whether all of Spark is in the driver's process: {@code local[…]}, but no local cluster. */
  static boolean isOneProcess(String master) {
    return master.equals("local") || master.startsWith("local[");
  }

  /**
   * Refuses a session whose executors could not report to the driver.
   *
   * @throws SparktuneException {@code UNSUPPORTED}
   */
  static void requirePlugin(SparkContext context) {
    String plugins = context.getConf().get(PLUGINS, "");
    if (!isOneProcess(context.master()) && !plugins.contains(RankPlugin.class.getName())) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "This Spark session was started without sparktune's plugin, by which executors report to the driver.",
          "Start it with --conf %s=%s.".formatted(PLUGINS, RankPlugin.class.getName()));
    }
  }

  /** Starts Spark, or returns the session that runs in this process already. */
  public SparkSession session(String name) {
    return session(name, 1);
  }

  /**
   * Starts Spark, or returns the session that runs in this process already.
   *
   * @param executors how many executors train together
   */
  public SparkSession session(String name, int executors) {
    Map<String, String> settings = new TreeMap<>();
    String effectiveMaster = effectiveMaster(executors);
    if (effectiveMaster.startsWith("local")) {
      int cores = Runtime.getRuntime().availableProcessors();
      // A laptop: nothing listens to the network and no web server starts.
      settings.put("spark.ui.enabled", "false");
      settings.put("spark.driver.host", "localhost");
      settings.put("spark.driver.bindAddress", "127.0.0.1");
      settings.put("spark.sql.shuffle.partitions", Integer.toString(Math.max(2, cores)));
      settings.put("spark.default.parallelism", Integer.toString(Math.max(2, cores)));
    }
    if (!isOneProcess(effectiveMaster)) {
      settings.put(PLUGINS, RankPlugin.class.getName());
      if (executors > 1) {
        settings.put("spark.executor.instances", Integer.toString(executors));
      }
      // A rank that does not end although it was told to is ended with its process.
      settings.put("spark.task.reaper.enabled", "true");
      settings.put("spark.task.reaper.killTimeout", "60s");
    }
    // Ranks meet before and after each has loaded its model: one that hangs there, on a dead mount
    // for instance, must not hold the others for Spark's default of a year.
    settings.put("spark.barrier.sync.timeout", MEETING_SECONDS + "s");
    settings.put("spark.task.maxFailures", "1");
    settings.put("spark.speculation", "false");
    settings.put("spark.ui.showConsoleProgress", "false");
    settings.put("spark.sql.warehouse.dir", System.getProperty("java.io.tmpdir"));
    SparkSession.Builder builder = SparkSession.builder().appName(name).master(effectiveMaster);
    settings.forEach(
        (key, value) -> {
          // spark-submit hands settings over as system properties.
          if (System.getProperty(key) == null) {
            builder.config(key, value);
          }
        });
    // Whatever a cluster's defaults say: Kryo 4 cannot read the records that our tasks exchange.
    builder.config("spark.serializer", "org.apache.spark.serializer.JavaSerializer");
    configuration.forEach(builder::config);
    return start(builder, effectiveMaster);
  }

  /** Spark ends the process without a word when it cannot make its folder for temporary files. */
  private static void requireTemporaryFolder() {
    String folder = System.getProperty("java.io.tmpdir");
    try {
      Files.delete(Files.createTempFile("sparktune", ".probe"));
    } catch (IOException e) {
      throw WriteFailure.of("The folder for temporary files, " + folder + ",", e);
    }
  }

  private static SparkSession start(SparkSession.Builder builder, String master) {
    requireTemporaryFolder();
    try {
      return builder.getOrCreate();
    } catch (Exception e) {
      // Scala throws checked exceptions that it does not declare.
      if (e instanceof SparkException) {
        throw new SparktuneException(
            ErrorCode.RESOURCES,
            "Spark did not start on %s (%s)."
                .formatted(master, String.valueOf(e.getMessage()).lines().findFirst().orElse("")),
            "Look at the cluster's own log of this application.",
            e);
      }
      throw e;
    }
  }

  private String effectiveMaster(int executors) {
    if (master != null) {
      return master;
    }
    String given = System.getProperty("spark.master");
    if (given != null) {
      return given;
    }
    // Ranks are threads, each of which needs a slot.
    int cores = Runtime.getRuntime().availableProcessors();
    return executors > cores ? "local[%d]".formatted(executors) : "local[*]";
  }
}
