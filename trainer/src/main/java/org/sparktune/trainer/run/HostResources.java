package org.sparktune.trainer.run;

/**
 * What a rank may take of its host, which it may share with others. Results don't depend on it.
 *
 * @param threads for optimizer arithmetic; at least 1
 * @param memoryBytes how much memory may still be taken when the run begins
 */
public record HostResources(int threads, long memoryBytes) {

  /** Checks the values. */
  public HostResources {
    if (threads < 1) {
      throw new IllegalArgumentException("A rank needs a thread, not " + threads);
    }
  }
}
