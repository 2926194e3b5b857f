package org.sparktune.trainer.checkpoint;

/** A checkpoint is not what it was when it was written; the message says what differs. */
final class DamagedException extends Exception {
  private static final long serialVersionUID = 1L;

  DamagedException(String message) {
    super(message);
  }
}
