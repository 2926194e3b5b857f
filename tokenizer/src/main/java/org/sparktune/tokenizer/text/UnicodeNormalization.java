package org.sparktune.tokenizer.text;

import java.text.Normalizer.Form;

/**
 * Unicode normalization (UAX #15). Text is taken in runs of one starter and what may combine with
 * it, so that nearly all text is passed over by one look at a table and offsets stay close.
 */
final class UnicodeNormalization implements Normalizer {
  private final Form form;

  /** Bit by unit of the basic plane: never changes and never combines with what stands before. */
  private final long[] stable = new long[0x10000 / 64];

  UnicodeNormalization(Form form) {
    this.form = form;
    for (int c = 0; c < 0x10000; c++) {
      if (isStable(c)) {
        stable[c >>> 6] |= 1L << c;
      }
    }
  }

  private boolean isStable(int c) {
    if (c < 0x80) {
      return true;
    }
    boolean combines =
        switch (Character.getType(c)) {
          case Character.NON_SPACING_MARK,
              Character.COMBINING_SPACING_MARK,
              Character.ENCLOSING_MARK,
              Character.SURROGATE ->
              true;
          // Hangul vowels and trailing consonants.
          default -> c >= 0x1160 && c <= 0x11FF;
        };
    return !combines && java.text.Normalizer.isNormalized(Character.toString(c), form);
  }

  private boolean isStable(char[] text, int at) {
    char c = text[at];
    return (stable[c >>> 6] >>> c & 1) != 0;
  }

  @Override
  public boolean isNormal(char[] text, int start, int end) {
    for (int i = start; i < end; i++) {
      if (!isStable(text, i)) {
        return isNormalFrom(text, i, start, end);
      }
    }
    return true;
  }

  private boolean isNormalFrom(char[] text, int from, int start, int end) {
    int at = from;
    while (at < end) {
      if (isStable(text, at)) {
        at++;
        continue;
      }
      int runStart = at > start ? at - 1 : at;
      int runEnd = runEnd(text, at, end);
      String run = new String(text, runStart, runEnd - runStart);
      if (!java.text.Normalizer.isNormalized(run, form)) {
        return false;
      }
      at = runEnd;
    }
    return true;
  }

  private int runEnd(char[] text, int from, int end) {
    int at = from;
    while (at < end && !isStable(text, at)) {
      at++;
    }
    return at;
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    char[] text = in.chars();
    int copied = start;
    int at = start;
    while (at < end) {
      if (isStable(text, at)) {
        at++;
        continue;
      }
      int runStart = at > start ? at - 1 : at;
      int runEnd = runEnd(text, at, end);
      String run = new String(text, runStart, runEnd - runStart);
      if (!java.text.Normalizer.isNormalized(run, form)) {
        out.copy(in, copied, runStart);
        replaceRun(in, runStart, runEnd, out);
        copied = runEnd;
      }
      at = runEnd;
    }
    out.copy(in, copied, end);
  }

  private void replaceRun(TextBuffer in, int start, int end, TextBuffer out) {
    String run = new String(in.chars(), start, end - start);
    out.replace(in, start, end, java.text.Normalizer.normalize(run, form));
  }
}
