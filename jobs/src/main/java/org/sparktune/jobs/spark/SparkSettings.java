package org.sparktune.jobs.spark;

import java.util.Map;
import java.util.TreeMap;
import org.apache.spark.sql.SparkSession;

/**
 * How Spark is started.
 *
 * @param master the master's URL; null for what spark-submit set, or all local cores
 * @param configuration further settings; they win over ours
 */
public record SparkSettings(String master, Map<String, String> configuration) {

  /** Starts Spark, or returns the session that runs in this process already. */
  public SparkSession session(String name) {
    Map<String, String> settings = new TreeMap<>();
    String effectiveMaster = effectiveMaster();
    if (effectiveMaster.startsWith("local")) {
      int cores = Runtime.getRuntime().availableProcessors();
      // A laptop: nothing listens to the network and no web server starts.
      settings.put("spark.ui.enabled", "false");
      settings.put("spark.driver.host", "localhost");
      settings.put("spark.driver.bindAddress", "127.0.0.1");
      settings.put("spark.sql.shuffle.partitions", Integer.toString(Math.max(2, cores)));
      settings.put("spark.default.parallelism", Integer.toString(Math.max(2, cores)));
    }
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
    return builder.getOrCreate();
  }

  private String effectiveMaster() {
    if (master != null) {
      return master;
    }
    return System.getProperty("spark.master", "local[*]");
  }
}
