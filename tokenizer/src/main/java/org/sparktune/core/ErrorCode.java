package org.sparktune.core;

/** What kind of failure a user met; the command line turns it into the process's exit status. */
public enum ErrorCode {
  /** The command line itself is wrong. */
  USAGE(2),
  /** A TaskSpec or an option in it is wrong. */
  INVALID_SPEC(3),
  /** A file is missing, truncated, of the wrong format or holds impossible values. */
  BAD_FILE(4),
  /**
   * Two inputs do not belong together: adapter and model, tokenizer and model, dataset and model.
   */
  MISMATCH(5),
  /** The input data cannot be trained on: empty, all rejected, all masked. */
  BAD_DATA(6),
  /** Something that this version does not support. */
  UNSUPPORTED(7),
  /** Memory, disk or another resource is short. */
  RESOURCES(8),
  /** The numbers diverged: a loss or a gradient is not finite. */
  DIVERGED(9),
  /** The output exists already or cannot be written. */
  OUTPUT(10),
  /** The run was stopped from outside and can be resumed. */
  INTERRUPTED(11),
  /** A rank of a run on several executors died, hangs or cannot be reached. */
  PEER_LOST(12),
  /** A defect of sparktune. */
  INTERNAL(70);

  private final int exitStatus;

  ErrorCode(int exitStatus) {
    this.exitStatus = exitStatus;
  }

  /** The exit status of a process that ends with this failure; never 0. */
  public int exitStatus() {
    return exitStatus;
  }
}
