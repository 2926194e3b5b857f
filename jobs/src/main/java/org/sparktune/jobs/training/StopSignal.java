package org.sparktune.jobs.training;

/**
 * Asks the trainings of this process to stop at their next step. One flag for the process, because
 * what asks (the operating system) means the process.
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
}
