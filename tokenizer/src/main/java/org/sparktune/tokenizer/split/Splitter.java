package org.sparktune.tokenizer.split;

/** Cuts a piece of text into words. Immutable. */
public interface Splitter {
  /** How many words a call may leave off after, so that long texts are cut in stretches. */
  int STRETCH = 2048;

  /**
   * Adds the words of a piece, from left to right.
   *
   * @param text holds the piece, without unpaired surrogates
   * @param from where to go on: the start of the piece, or what the last call answered
   * @param start the start of the piece, which no pattern looks beyond
   * @param end one past the piece's last unit
   * @param words takes the words
   * @return {@code end}, or where to go on if there is more
   */
  int split(char[] text, int from, int start, int end, Words words);
}
