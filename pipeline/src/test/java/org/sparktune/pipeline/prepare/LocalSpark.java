package org.sparktune.pipeline.prepare;

import org.apache.spark.sql.SparkSession;

/** One Spark session for all tests of a JVM. */
public final class LocalSpark {
  private static SparkSession session;

  private LocalSpark() {}

  /** The session, started when it is first asked for. */
  public static synchronized SparkSession session() {
    if (session == null) {
      session =
          SparkSession.builder()
              .master("local[2]")
              .appName("tests")
              .config("spark.ui.enabled", false)
              .config("spark.sql.shuffle.partitions", 2)
              .config("spark.driver.bindAddress", "127.0.0.1")
              .config("spark.driver.host", "127.0.0.1")
              .getOrCreate();
    }
    return session;
  }
}
