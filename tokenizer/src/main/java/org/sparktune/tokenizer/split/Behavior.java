package org.sparktune.tokenizer.split;

/** What becomes of the text that a splitting pattern matches. */
public enum Behavior {
  /** It goes. */
  REMOVED,
  /** Each match is a word. */
  ISOLATED,
  /** It is joined to the word before. */
  MERGED_WITH_PREVIOUS,
  /** It is joined to the word after. */
  MERGED_WITH_NEXT,
  /** Neighbouring matches are one word. */
  CONTIGUOUS
}
