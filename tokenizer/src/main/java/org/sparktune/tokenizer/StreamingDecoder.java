package org.sparktune.tokenizer;

/** Decodes a growing sequence of ids. Not safe for use by several threads. */
public interface StreamingDecoder {

  /**
   * Takes the next id.
   *
   * @return the text that is now certain; empty while a code point is incomplete
   */
  String next(int id);

  /** The rest of the text; incomplete code points become U+FFFD. */
  String finish();
}
