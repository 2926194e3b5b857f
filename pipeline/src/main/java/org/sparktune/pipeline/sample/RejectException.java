package org.sparktune.pipeline.sample;

/** One record is refused. Never leaves the pipeline: it is counted and sampled. */
public final class RejectException extends Exception {
  private static final long serialVersionUID = 1L;

  private final RejectReason reason;

  /**
   * @param reason why
   * @param detail what exactly, for the reject file
   */
  public RejectException(RejectReason reason, String detail) {
    // No stack trace: a bad file makes millions of these.
    super(detail, null, false, false);
    this.reason = reason;
  }

  /** Why. */
  public RejectReason reason() {
    return reason;
  }
}
