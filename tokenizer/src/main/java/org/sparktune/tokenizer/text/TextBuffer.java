package org.sparktune.tokenizer.text;

import java.util.Arrays;

/**
 * Text as UTF-16 units that can say, when asked to, which part of the original text each unit came
 * from. Not safe for use by several threads.
 */
public final class TextBuffer {
  private static final int KEEP = 1 << 22;

  private char[] chars = new char[256];
  private int[] starts = new int[0];
  private int[] ends = new int[0];
  private int length;
  private boolean tracking;

  /** Empties the buffer and says whether it shall know where its units came from. */
  public void clear(boolean trackOrigins) {
    length = 0;
    tracking = trackOrigins;
    if (chars.length > KEEP) {
      chars = new char[256];
      starts = new int[0];
      ends = new int[0];
    }
    if (tracking && starts.length < chars.length) {
      starts = new int[chars.length];
      ends = new int[chars.length];
    }
  }

  /** Takes a whole text; unpaired surrogates become U+FFFD. */
  public void load(String text, boolean trackOrigins) {
    clear(trackOrigins);
    reserve(text.length());
    length = text.length();
    text.getChars(0, length, chars, 0);
    for (int i = 0; i < length; i++) {
      if (Character.isSurrogate(chars[i])) {
        if (i + 1 < length && Character.isSurrogatePair(chars[i], chars[i + 1])) {
          i++;
        } else {
          chars[i] = '\uFFFD';
        }
      }
    }
    if (tracking) {
      for (int i = 0; i < length; i++) {
        starts[i] = i;
        ends[i] = i + 1;
      }
    }
  }

  /** The units; only the first {@link #length()} are text, and only until the next change. */
  public char[] chars() {
    return chars;
  }

  /** How many units there are. */
  public int length() {
    return length;
  }

  /** Index in the original text of the first unit that a unit came from. */
  public int originStart(int index) {
    return starts[index];
  }

  /** One past the index in the original text of the last unit that a unit came from. */
  public int originEnd(int index) {
    return ends[index];
  }

  /** Appends a part of another buffer as it is. */
  public void copy(TextBuffer from, int start, int end) {
    int count = end - start;
    reserve(length + count);
    System.arraycopy(from.chars, start, chars, length, count);
    if (tracking) {
      System.arraycopy(from.starts, start, starts, length, count);
      System.arraycopy(from.ends, start, ends, length, count);
    }
    length += count;
  }

  /** Appends text that stands for a part of another buffer; the part may be empty. */
  public void replace(TextBuffer from, int start, int end, String text) {
    int count = text.length();
    reserve(length + count);
    text.getChars(0, count, chars, length);
    if (tracking) {
      int originStart = from.boundary(start);
      int originEnd = end > start ? from.ends[end - 1] : originStart;
      Arrays.fill(starts, length, length + count, originStart);
      Arrays.fill(ends, length, length + count, originEnd);
    }
    length += count;
  }

  private int boundary(int index) {
    return index < length ? starts[index] : index == 0 ? 0 : ends[index - 1];
  }

  private void reserve(int needed) {
    if (needed > chars.length) {
      int size = Math.max(needed, chars.length * 2);
      chars = Arrays.copyOf(chars, size);
      if (tracking) {
        starts = Arrays.copyOf(starts, size);
        ends = Arrays.copyOf(ends, size);
      }
    }
  }
}
