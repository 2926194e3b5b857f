package org.sparktune.jobs.dl4j;

import java.util.Map;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.sparktune.jobs.spark.SparkSettings;

/** A Spark of threads, for a test class; it takes the session of an earlier one if that runs. */
final class LocalSpark implements AutoCloseable {
  private final SparkSession session;

  LocalSpark(int slots) {
    session = new SparkSettings("local[%d]".formatted(slots), Map.of()).session("dl4j");
  }

  JavaSparkContext context() {
    return JavaSparkContext.fromSparkContext(session.sparkContext());
  }

  @Override
  public void close() {
    session.stop();
  }
}
