package org.sparktune.pipeline.storage;

import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkEnv;
import org.apache.spark.deploy.SparkHadoopUtil;

/** Hadoop's settings: its own files, and whatever Spark's {@code spark.hadoop.*} say. */
public final class HadoopSettings {
  private HadoopSettings() {}

  /** As Spark has them in this process, driver or executor; or as it would have them. */
  public static Configuration here() {
    return with(Map.of());
  }

  /**
   * As above, with settings that Spark does not have yet.
   *
   * @param settings of Spark, of which those count whose names begin with {@code spark.hadoop.}
   */
  public static Configuration with(Map<String, String> settings) {
    SparkEnv running = SparkEnv.get();
    SparkConf conf = running == null ? new SparkConf() : running.conf().clone();
    settings.forEach(conf::set);
    return SparkHadoopUtil.get().newConfiguration(conf);
  }
}
