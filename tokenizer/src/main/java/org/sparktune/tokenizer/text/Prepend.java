package org.sparktune.tokenizer.text;

/** Puts a prefix before every piece that is not empty. */
record Prepend(String prefix) implements Normalizer {
  @Override
  public boolean isNormal(char[] text, int start, int end) {
    return start == end || prefix.isEmpty();
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    if (start < end) {
      out.replace(in, start, start, prefix);
    }
    out.copy(in, start, end);
  }
}
