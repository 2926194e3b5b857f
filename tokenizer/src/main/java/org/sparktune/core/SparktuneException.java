package org.sparktune.core;

/**
 * A failure that a user can cause or has to deal with. The message is one sentence that says what
 * is wrong and where (file, line, tensor, task); the hint says what to do about it.
 */
public class SparktuneException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final ErrorCode code;
  private final String hint;

  /**
   * @param code the kind of failure
   * @param message what is wrong and where, one sentence
   * @param hint what to do, one sentence; may be empty
   */
  public SparktuneException(ErrorCode code, String message, String hint) {
    this(code, message, hint, null);
  }

  /**
   * @param code the kind of failure
   * @param message what is wrong and where, one sentence
   * @param hint what to do, one sentence; may be empty
   * @param cause what led to it, or null
   */
  public SparktuneException(ErrorCode code, String message, String hint, Throwable cause) {
    super(message, cause);
    this.code = code;
    this.hint = hint;
  }

  /** The kind of failure. */
  public ErrorCode code() {
    return code;
  }

  /** What to do about it; may be empty. */
  public String hint() {
    return hint;
  }

  /** The message and, if there is one, the hint: what a user is shown. */
  public String sentence() {
    return hint.isEmpty() ? getMessage() : getMessage() + " " + hint;
  }
}
