package org.sparktune.pipeline.text;

import java.util.Arrays;

/**
 * The words of a text, as hashes. A word is a run of letters, digits and marks; in scripts that
 * write no blanks between words, every character is one. Case does not count. No text is copied, so
 * that a pass costs little more than reading.
 */
public final class Words {
  private static final int FIRST_CAPACITY = 64;

  private long[] hashes = new long[FIRST_CAPACITY];
  private int[] lengths = new int[FIRST_CAPACITY];
  private int count;
  private int unspaced;
  private long characters;

  private Words() {}

  /** The words of a text, in order. */
  public static Words of(String text) {
    Words words = new Words();
    long hash = Hashes.START;
    int length = 0;
    int i = 0;
    while (i < text.length()) {
      int c = text.charAt(i);
      if (Character.isSurrogate((char) c)) {
        c = text.codePointAt(i);
      }
      i += Character.charCount(c);
      if (isUnspaced(c)) {
        words.add(hash, length);
        words.add(Hashes.add(Hashes.START, c), 1);
        words.unspaced++;
        hash = Hashes.START;
        length = 0;
      } else if (isWordPart(c)) {
        hash = Hashes.add(hash, lower(c));
        length++;
      } else {
        words.add(hash, length);
        hash = Hashes.START;
        length = 0;
      }
    }
    words.add(hash, length);
    return words;
  }

  private void add(long hash, int length) {
    if (length == 0) {
      return;
    }
    if (count == hashes.length) {
      hashes = Arrays.copyOf(hashes, count * 2);
      lengths = Arrays.copyOf(lengths, count * 2);
    }
    hashes[count] = Hashes.mix(hash);
    lengths[count++] = length;
    characters += length;
  }

  /** How many there are. */
  public int count() {
    return count;
  }

  /** The hash of a word. */
  public long hash(int index) {
    return hashes[index];
  }

  /** The length of a word, in code points. */
  public int length(int index) {
    return lengths[index];
  }

  /** The lengths of all words together. */
  public long characters() {
    return characters;
  }

  /** Whether most of it is in a script that writes no blanks between words. */
  public boolean mostlyUnspaced() {
    return unspaced * 2L > count;
  }

  /**
   * The hashes of all runs of words, in order: {@code count - n + 1}, or one for all words together
   * when there are fewer; none where there is no word.
   *
   * @param n words of a run
   */
  public long[] runs(int n) {
    int size = Math.min(n, count);
    if (size == 0) {
      return new long[0];
    }
    // A polynomial in an odd base: the run's first word has the highest power.
    long highest = 1;
    for (int i = 1; i < size; i++) {
      highest *= Hashes.BASE;
    }
    long[] runs = new long[count - size + 1];
    long sum = 0;
    for (int i = 0; i < count; i++) {
      if (i >= size) {
        sum -= hashes[i - size] * highest;
      }
      sum = sum * Hashes.BASE + hashes[i];
      if (i >= size - 1) {
        runs[i - size + 1] = Hashes.mix(sum + size);
      }
    }
    return runs;
  }

  /** Whether a code point can be a part of a word. */
  static boolean isWordPart(int c) {
    if (c < 0x80) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    }
    if (Character.isLetterOrDigit(c)) {
      return true;
    }
    int type = Character.getType(c);
    return type == Character.NON_SPACING_MARK || type == Character.COMBINING_SPACING_MARK;
  }

  /** Whether a code point is a word of its own: of Chinese, Japanese, Thai, Lao, Khmer, Burmese. */
  static boolean isUnspaced(int c) {
    if (c < 0x0E00) {
      return false;
    }
    if (c < 0x1800) {
      boolean southEast = c < 0x0F00 || (c >= 0x1000 && c < 0x10A0) || (c >= 0x1780 && c < 0x1800);
      return southEast && Character.isLetter(c);
    }
    return c >= 0x3005
        && (Character.isIdeographic(c) || (c >= 0x3041 && c <= 0x30FF && Character.isLetter(c)));
  }

  private static int lower(int c) {
    if (c < 0x80) {
      return c >= 'A' && c <= 'Z' ? c + 32 : c;
    }
    return Character.toLowerCase(c);
  }
}
