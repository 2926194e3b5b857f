package org.sparktune.tokenizer.split;

import java.util.Arrays;

/** A growing list of spans of text. */
public final class Words {
  private int[] starts = new int[1024];
  private int[] ends = new int[1024];
  private int size;

  /** Adds the span from {@code start} to before {@code end}; empty spans are left out. */
  public void add(int start, int end) {
    if (start == end) {
      return;
    }
    if (size == starts.length) {
      starts = Arrays.copyOf(starts, size * 2);
      ends = Arrays.copyOf(ends, size * 2);
    }
    starts[size] = start;
    ends[size++] = end;
  }

  /** First unit of a span. */
  public int start(int index) {
    return starts[index];
  }

  /** One past the last unit of a span. */
  public int end(int index) {
    return ends[index];
  }

  /** How many spans there are. */
  public int size() {
    return size;
  }

  /** Forgets all spans. */
  public void clear() {
    size = 0;
    if (starts.length > 1 << 20) {
      starts = new int[1024];
      ends = new int[1024];
    }
  }
}
