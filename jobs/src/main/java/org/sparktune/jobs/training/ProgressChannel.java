package org.sparktune.jobs.training;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.sparktune.trainer.run.TrainingListener;

/**
 * Brings what a training says to the one who watches it. In local mode driver and executor are one
 * process, so a listener registered by the driver is found by the task; in another process there is
 * none, and the task's log and {@code metrics.jsonl} tell the same.
 */
public final class ProgressChannel implements AutoCloseable {
  private static final Map<String, TrainingListener> LISTENERS = new ConcurrentHashMap<>();

  private final String key;

  private ProgressChannel(String key) {
    this.key = key;
  }

  /**
   * Listens to the training with a key until closed.
   *
   * @param key the task's folder, which is unique
   */
  public static ProgressChannel listen(String key, TrainingListener listener) {
    LISTENERS.put(key, listener);
    return new ProgressChannel(key);
  }

  /** What the training is known by. */
  public String key() {
    return key;
  }

  /** The listener of a key, or one that does nothing. */
  static TrainingListener listener(String key) {
    return LISTENERS.getOrDefault(key, TrainingListener.NONE);
  }

  @Override
  public void close() {
    LISTENERS.remove(key);
  }
}
