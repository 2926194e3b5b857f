package org.sparktune.tokenizer.text;

import java.util.Locale;

/** Lower-cases code point by code point, without regard to the context. */
record Lowercase() implements Normalizer {
  @Override
  public boolean isNormal(char[] text, int start, int end) {
    for (int i = start; i < end; i++) {
      if (text[i] >= 0x80 || (text[i] >= 'A' && text[i] <= 'Z')) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    int at = start;
    while (at < end) {
      int codePoint = Character.codePointAt(in.chars(), at, end);
      int next = at + Character.charCount(codePoint);
      int lower = Character.toLowerCase(codePoint);
      if (lower == codePoint) {
        out.copy(in, at, next);
      } else {
        String text = Character.toString(codePoint).toLowerCase(Locale.ROOT);
        out.replace(in, at, next, text);
      }
      at = next;
    }
  }
}
