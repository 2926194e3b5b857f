package org.sparktune.jobs.task;

import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.sparktune.jobs.spark.SparkSettings;

/**
 * Starts Spark when the first task needs it and stops it at the end; a session that ran in this
 * process before is used and left running.
 */
public final class SparkHolder implements AutoCloseable {
  private static final String PREPARATION = "sparktune preparation";

  private final SparkSettings settings;
  private final String name;
  private final int executors;
  private volatile SparkSession session;
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

  /**
   * Does work whose Spark jobs {@link #cancelPreparation} ends.
   *
   * @param work is given the session
   */
  <T> T prepare(Function<SparkSession, T> work) {
    SparkSession running = session();
    running.sparkContext().setJobGroup(PREPARATION, "preparation", false);
    try {
      return work.apply(running);
    } finally {
      running.sparkContext().clearJobGroup();
    }
  }

  /** Ends the preparation that runs now, if one does; may be called from any thread. */
  public void cancelPreparation() {
    SparkSession running = session;
    if (running != null && !running.sparkContext().isStopped()) {
      running.sparkContext().cancelJobGroup(PREPARATION);
    }
  }

  /** Hadoop's settings, as the session has them if there is one. */
  Configuration hadoop() {
    return session == null ? settings.hadoop() : session.sparkContext().hadoopConfiguration();
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
