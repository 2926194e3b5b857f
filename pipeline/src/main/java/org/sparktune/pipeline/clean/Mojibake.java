package org.sparktune.pipeline.clean;

import java.nio.charset.Charset;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;

/**
 * Repairs UTF-8 that was once read as Windows-1252 or Latin-1, a line at a time, up to three times
 * over. A line is repaired only if
 *
 * <ul>
 *   <li>it round-trips: every character of it that can stand for a byte above 0x7f is a part of
 *       valid UTF-8, so that a line with correct accents stays, and
 *   <li>it gets better: what comes out is Latin, punctuation, symbols or emoji, or, where it is
 *       another script, at least two characters side by side ({@code CAFÉ™} would be valid UTF-8).
 * </ul>
 */
final class Mojibake implements TextRewriter {
  private static final int PASSES = 3;
  private static final Map<Character, Integer> WINDOWS_1252 = windows1252();

  private static Map<Character, Integer> windows1252() {
    Map<Character, Integer> bytes = new HashMap<>();
    Charset charset = Charset.forName("windows-1252");
    for (int value = 0x80; value < 0xa0; value++) {
      char c = new String(new byte[] {(byte) value}, charset).charAt(0);
      // Five bytes mean nothing there; lenient readers leave them as the controls of Latin-1.
      bytes.put(c == '\ufffd' ? (char) value : c, value);
    }
    return bytes;
  }

  @Override
  public String name() {
    return "mojibake";
  }

  @Override
  public String rewrite(String text) {
    if (StandardCharsets.US_ASCII.newEncoder().canEncode(text)) {
      return text;
    }
    String result = text;
    for (int pass = 0; pass < PASSES; pass++) {
      String better = pass(result);
      if (better.equals(result)) {
        break;
      }
      result = better;
    }
    return result;
  }

  private static String pass(String text) {
    StringBuilder result = new StringBuilder(text.length());
    int start = 0;
    while (start < text.length()) {
      int end = text.indexOf('\n', start);
      end = end < 0 ? text.length() : end + 1;
      appendLine(text.substring(start, end), result);
      start = end;
    }
    return result.toString();
  }

  private static void appendLine(String line, StringBuilder result) {
    int before = result.length();
    boolean sideBySide = false;
    boolean plain = true;
    int lastEnd = -1;
    int i = 0;
    while (i < line.length()) {
      int lead = byteOf(line.charAt(i));
      if (lead < 0) {
        result.append(line.charAt(i++));
        continue;
      }
      int length = sequenceLength(lead);
      int c = length == 0 ? -1 : decode(line, i, lead, length);
      if (c < 0) {
        // Not a part of valid UTF-8: the line does not round-trip.
        result.setLength(before);
        result.append(line);
        return;
      }
      sideBySide |= lastEnd == i;
      plain &= isPlain(c);
      result.appendCodePoint(c);
      i += length;
      lastEnd = i;
    }
    if (lastEnd >= 0 && !plain && !sideBySide) {
      result.setLength(before);
      result.append(line);
    }
  }

  /** The byte above 0x7f that a character was read from, or -1. */
  private static int byteOf(char c) {
    if (c < 0x80) {
      return -1;
    }
    if (c <= 0xff) {
      return c;
    }
    return WINDOWS_1252.getOrDefault(c, -1);
  }

  private static int sequenceLength(int lead) {
    if (lead < 0xc2 || lead > 0xf4) {
      return 0;
    }
    if (lead < 0xe0) {
      return 2;
    }
    return lead < 0xf0 ? 3 : 4;
  }

  /** The code point of a sequence, or -1 when it is not valid UTF-8. */
  private static int decode(String line, int start, int lead, int length) {
    if (start + length > line.length()) {
      return -1;
    }
    int c = lead & (0xff >> (length + 1));
    for (int i = 1; i < length; i++) {
      int next = byteOf(line.charAt(start + i));
      if (next < 0x80 || next > 0xbf) {
        return -1;
      }
      c = c << 6 | (next & 0x3f);
    }
    int least = length == 2 ? 0x80 : length == 3 ? 0x800 : 0x10000;
    boolean surrogate = c >= 0xd800 && c < 0xe000;
    return c < least || c > 0x10ffff || surrogate ? -1 : c;
  }

  /** What stands alone in Latin text: its letters, punctuation, symbols, emoji. */
  private static boolean isPlain(int c) {
    return (c >= 0x80 && c < 0x180) || (c >= 0x2000 && c < 0x2800) || c == 0xfe0f || c >= 0x1f000;
  }
}
