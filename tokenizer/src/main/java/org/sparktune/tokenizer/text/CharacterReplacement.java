package org.sparktune.tokenizer.text;

/** Replaces one UTF-16 unit by another one, as SentencePiece does with spaces. */
record CharacterReplacement(char from, char to) implements Normalizer {
  @Override
  public boolean isNormal(char[] text, int start, int end) {
    for (int i = start; i < end; i++) {
      if (text[i] == from) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    int first = out.length();
    out.copy(in, start, end);
    char[] chars = out.chars();
    for (int i = first; i < out.length(); i++) {
      if (chars[i] == from) {
        chars[i] = to;
      }
    }
  }
}
