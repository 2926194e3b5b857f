package org.sparktune.jobs.ranks;

/** What the driver wants of a rank. */
public enum Order {
  /** Go on. */
  CONTINUE,
  /** Write a checkpoint and end: somebody stops the run. */
  STOP,
  /** End at once and write nothing: another attempt has taken over. */
  LEAVE
}
