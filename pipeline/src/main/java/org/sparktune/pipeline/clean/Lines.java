package org.sparktune.pipeline.clean;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * The lines or paragraphs of a text that are not blank, without the blanks at their ends.
 *
 * @param all in order
 * @param characters of all together
 */
record Lines(List<String> all, long characters) {
  private static final String ELLIPSIS = "\u2026";

  /**
   * Marks that end a sentence, in Latin, Chinese, Japanese, Arabic, Devanagari; quotes after them.
   */
  private static final String TERMINAL =
      ".!?\"\u201d\u2026\u3002\uff01\uff1f\u300d\u300f\u061f\u06d4\u0964";

  static Lines of(String text) {
    return of(text, 1);
  }

  /** What stands between empty lines. */
  static Lines paragraphs(String text) {
    return of(text, 2);
  }

  private static Lines of(String text, int lineEnds) {
    List<String> all = new ArrayList<>();
    long characters = 0;
    int start = 0;
    while (start < text.length()) {
      int end = end(text, start, lineEnds);
      String line = text.substring(start, end).strip();
      if (!line.isEmpty()) {
        all.add(line);
        characters += line.length();
      }
      start = end + 1;
    }
    return new Lines(all, characters);
  }

  private static int end(String text, int start, int lineEnds) {
    int end = text.indexOf('\n', start);
    while (lineEnds == 2 && end >= 0 && end + 1 < text.length() && text.charAt(end + 1) != '\n') {
      end = text.indexOf('\n', end + 1);
    }
    return end < 0 ? text.length() : end;
  }

  int count() {
    return all.size();
  }

  /** The share of lines that were there before. */
  double duplicates() {
    Set<String> seen = new HashSet<>();
    int duplicates = 0;
    for (String line : all) {
      duplicates += seen.add(line) ? 0 : 1;
    }
    return share(duplicates, all.size());
  }

  /** The share of characters in lines that were there before. */
  double duplicateCharacters() {
    Set<String> seen = new HashSet<>();
    long duplicates = 0;
    for (String line : all) {
      duplicates += seen.add(line) ? 0 : line.length();
    }
    return share(duplicates, characters);
  }

  /** A share of nothing is 0. */
  static double share(long part, long whole) {
    return whole == 0 ? 0 : (double) part / whole;
  }

  static boolean endsSentence(String line) {
    return TERMINAL.indexOf(line.charAt(line.length() - 1)) >= 0;
  }

  static boolean endsInEllipsis(String line) {
    return line.endsWith("...") || line.endsWith(ELLIPSIS);
  }

  /** Runs of marks that end a sentence and are followed by a blank, the end or an ideograph. */
  static int sentences(String text) {
    int sentences = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean mark = c != '"' && TERMINAL.indexOf(c) >= 0;
      if (mark) {
        boolean last = i + 1 == text.length();
        boolean wide = c >= 0x3000;
        char next = last ? ' ' : text.charAt(i + 1);
        boolean closed = Character.isWhitespace(next) || "\"'\u201d\u2019)]".indexOf(next) >= 0;
        boolean more = TERMINAL.indexOf(next) >= 0 && next != '"' && next != '\u201d';
        sentences += (wide || closed) && !more ? 1 : 0;
      }
    }
    return sentences;
  }
}
