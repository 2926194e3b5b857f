package org.sparktune.tokenizer.text;

import java.text.Normalizer.Form;

/**
 * Unicode normalization (UAX #15). Text is taken in runs of one starter and what may combine with
 * it, so that nearly all text is passed over by one look at a table and offsets stay close.
 *
 * <p>Hugging Face's normalizer knows Unicode 9. Code points that later versions made combining are
 * left alone here, as it leaves them alone.
 */
final class UnicodeNormalization implements Normalizer {
  private static final int TABLE_END = 0x20000;

  /** First and last code points of ranges that combine since a Unicode version after 9. */
  private static final int[] COMBINING_SINCE_UNICODE_10 = {
    0x07FD, 0x07FD, 0x08D3, 0x08D3, 0x09FE, 0x09FE, 0x0D3B, 0x0D3C, 0x0EBA, 0x0EBA,
    0x1ABF, 0x1AC0, 0x1DF6, 0x1DF9, 0xA82C, 0xA82C, 0x10D24, 0x10D27, 0x10EAB, 0x10EAC,
    0x10F46, 0x10F50, 0x1133B, 0x1133B, 0x1145E, 0x1145E, 0x11839, 0x1183A, 0x11930, 0x11930,
    0x1193D, 0x1193E, 0x11943, 0x11943, 0x119E0, 0x119E0, 0x11A34, 0x11A34, 0x11A47, 0x11A47,
    0x11A99, 0x11A99, 0x11D42, 0x11D42, 0x11D44, 0x11D45, 0x11D97, 0x11D97, 0x16FF0, 0x16FF1,
    0x1E130, 0x1E136, 0x1E2EC, 0x1E2EF,
  };

  private final Form form;

  /** Bit by code point: never changes and never combines with what stands before. */
  private final long[] stable = new long[TABLE_END / 64];

  UnicodeNormalization(Form form) {
    this.form = form;
    for (int codePoint = 0; codePoint < TABLE_END; codePoint++) {
      if (mayStandAlone(codePoint)
          && java.text.Normalizer.isNormalized(Character.toString(codePoint), form)) {
        stable[codePoint >>> 6] |= 1L << codePoint;
      }
    }
    for (int i = 0; i < COMBINING_SINCE_UNICODE_10.length; i += 2) {
      for (int c = COMBINING_SINCE_UNICODE_10[i]; c <= COMBINING_SINCE_UNICODE_10[i + 1]; c++) {
        stable[c >>> 6] |= 1L << c;
      }
    }
  }

  private static boolean mayStandAlone(int codePoint) {
    return switch (Character.getType(codePoint)) {
      case Character.NON_SPACING_MARK,
          Character.COMBINING_SPACING_MARK,
          Character.ENCLOSING_MARK,
          Character.SURROGATE ->
          false;
      // Hangul vowels and trailing consonants combine, too.
      default -> codePoint < 0x1160 || codePoint > 0x11FF;
    };
  }

  private boolean isStable(int codePoint) {
    if (codePoint < TABLE_END) {
      return ((stable[codePoint >>> 6] >>> codePoint) & 1) != 0;
    }
    // Of the planes above, only compatibility ideographs and variation selectors need a closer
    // look.
    return codePoint < 0xE0000 && (codePoint < 0x2F800 || codePoint > 0x2FA1F);
  }

  @Override
  public boolean isNormal(char[] text, int start, int end) {
    return firstChange(text, start, start, end) == end;
  }

  @Override
  public void apply(TextBuffer in, int start, int end, TextBuffer out) {
    char[] text = in.chars();
    int copied = start;
    int runStart = firstChange(text, start, start, end);
    while (runStart < end) {
      int runEnd =
          runEnd(
              text, Character.offsetByCodePoints(text, runStart, end - runStart, runStart, 1), end);
      out.copy(in, copied, runStart);
      String run = new String(text, runStart, runEnd - runStart);
      out.replace(in, runStart, runEnd, java.text.Normalizer.normalize(run, form));
      copied = runEnd;
      runStart = firstChange(text, runEnd, runEnd, end);
    }
    out.copy(in, copied, end);
  }

  /** The start of the first run at or after {@code from} that normalization changes, or the end. */
  private int firstChange(char[] text, int from, int start, int end) {
    int last = start;
    int at = from;
    while (at < end) {
      if (text[at] < 0x80) {
        last = at++;
        continue;
      }
      int codePoint = Character.codePointAt(text, at, end);
      if (isStable(codePoint)) {
        last = at;
        at += Character.charCount(codePoint);
        continue;
      }
      int runEnd = runEnd(text, at, end);
      if (!java.text.Normalizer.isNormalized(new String(text, last, runEnd - last), form)) {
        return last;
      }
      last = runEnd;
      at = runEnd;
    }
    return end;
  }

  private int runEnd(char[] text, int from, int end) {
    int at = from;
    while (at < end) {
      int codePoint = Character.codePointAt(text, at, end);
      if (isStable(codePoint)) {
        break;
      }
      at += Character.charCount(codePoint);
    }
    return at;
  }
}
