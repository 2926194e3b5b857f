package org.sparktune.tokenizer.jinja;

/** A template that cannot be parsed, or that failed (or refused, by {@code raise_exception}). */
public final class TemplateException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /** A failure with its message. */
  public TemplateException(String message) {
    super(message);
  }

  static TemplateException atLine(int line, String message) {
    return new TemplateException("line " + line + ": " + message);
  }
}
