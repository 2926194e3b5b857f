package org.sparktune.tokenizer.text;

/** Rewrites a piece of text before it is cut into words. Immutable. */
public interface Normalizer {

  /** Whether a piece is in normal form already, so that {@link #apply} would only copy it. */
  boolean isNormal(char[] text, int start, int end);

  /**
   * Appends the normal form of a piece to {@code out}.
   *
   * @param in holds the piece
   * @param start the piece's first UTF-16 unit
   * @param end one past its last
   * @param out takes the normal form
   */
  void apply(TextBuffer in, int start, int end, TextBuffer out);
}
