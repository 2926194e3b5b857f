package org.sparktune.jobs.training;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Asks the work of this process to stop where it can go on later: a training after a checkpoint,
 * anything else at once. One flag for the process, because what asks (the operating system) means
 * the process.
 */
public final class StopSignal {
  private static volatile boolean requested;

  private StopSignal() {}

  /** Asks. */
  public static void request() {
    requested = true;
  }

  /** Whether somebody asked. */
  public static boolean requested() {
    return requested;
  }

  /**
   * Ends work that was asked to stop.
   *
   * @param work what it is called, the subject of the message
   * @throws SparktuneException {@code INTERRUPTED} if somebody asked
   */
  public static void check(String work) {
    if (requested) {
      throw new SparktuneException(
          ErrorCode.INTERRUPTED,
          work + " was stopped.",
          "Run the same command again: what is finished is kept.");
    }
  }
}
