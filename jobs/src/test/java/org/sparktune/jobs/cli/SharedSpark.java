package org.sparktune.jobs.cli;

import java.util.Map;
import org.apache.spark.sql.SparkSession;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.sparktune.jobs.spark.SparkSettings;

/** Starts one Spark for all tests of this process; commands use it and leave it running. */
public final class SharedSpark implements BeforeAllCallback {
  private static SparkSession session;

  @Override
  public void beforeAll(ExtensionContext context) {
    start();
  }

  private static synchronized void start() {
    // A test of Spark's own end may have come before.
    if (session == null || session.sparkContext().isStopped()) {
      session = new SparkSettings("local[4]", Map.of()).session("tests");
    }
  }
}
