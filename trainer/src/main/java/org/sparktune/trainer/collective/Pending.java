package org.sparktune.trainer.collective;

/** An operation under way. */
public interface Pending {
  /** An operation that was over when it began. */
  Pending DONE = () -> {};

  /**
   * Waits for the end; the operation's buffer must not be touched before.
   *
   * @throws org.sparktune.core.SparktuneException {@code PEER_LOST} when a rank died, hangs or
   *     cannot be reached: it names rank, host and step
   */
  void join();
}
