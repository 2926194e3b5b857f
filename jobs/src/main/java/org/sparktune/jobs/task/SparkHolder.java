package org.sparktune.jobs.task;

import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.sparktune.jobs.spark.SparkSettings;

/**
 * Starts Spark when the first task needs it and stops it at the end; a session that ran in this
 * process before is used and left running.
 */
public final class SparkHolder implements AutoCloseable {
  private final SparkSettings settings;
  private final String name;
  private final int executors;
  private SparkSession session;
  private boolean owned;

  /**
   * @param name of the application
   * @param executors how many executors train together
   */
  public SparkHolder(SparkSettings settings, String name, int executors) {
    this.settings = settings;
    this.name = name;
    this.executors = executors;
  }

  /** The session. */
  SparkSession session() {
    if (session == null) {
      owned = SparkSession.getDefaultSession().isEmpty();
      session = settings.session(name, executors);
    }
    return session;
  }

  /** Hadoop's settings, as the session has them if there is one. */
  Configuration hadoop() {
    return session == null ? new Configuration() : session.sparkContext().hadoopConfiguration();
  }

  /** The settings that differ from Hadoop's own defaults: what an executor must be told. */
  Map<String, String> changedHadoopSettings() {
    Configuration defaults = new Configuration();
    Map<String, String> changed = new TreeMap<>();
    for (Map.Entry<String, String> entry : hadoop()) {
      if (!entry.getValue().equals(defaults.getRaw(entry.getKey()))) {
        changed.put(entry.getKey(), entry.getValue());
      }
    }
    return changed;
  }

  @Override
  public void close() {
    if (owned) {
      session.stop();
    }
  }
}
