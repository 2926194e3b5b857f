package org.sparktune.tokenizer.bpe;

import java.util.Arrays;

/** A growing array of ints. */
public final class IntList {
  private int[] values = new int[256];
  private int size;

  /** Adds a value at the end. */
  public void add(int value) {
    if (size == values.length) {
      values = Arrays.copyOf(values, size * 2);
    }
    values[size++] = value;
  }

  /** Adds {@code count} values of {@code source} from {@code from} on. */
  public void addAll(int[] source, int from, int count) {
    if (size + count > values.length) {
      values = Arrays.copyOf(values, Math.max(values.length * 2, size + count));
    }
    // Most words are one to three ids: a loop beats the call of arraycopy there.
    for (int i = 0; i < count; i++) {
      values[size + i] = source[from + i];
    }
    size += count;
  }

  /** The value at an index below {@link #size()}. */
  public int get(int index) {
    return values[index];
  }

  /** Replaces the value at an index below {@link #size()}. */
  public void set(int index, int value) {
    values[index] = value;
  }

  /** Replaces the last value. */
  public void setLast(int value) {
    values[size - 1] = value;
  }

  /** How many values there are. */
  public int size() {
    return size;
  }

  /** Forgets all values; a very large array is given back to the collector. */
  public void clear() {
    size = 0;
    if (values.length > 1 << 20) {
      values = new int[256];
    }
  }

  /** The array behind this list; valid until the next addition. */
  int[] array() {
    return values;
  }

  /** A copy of the values. */
  public int[] toArray() {
    return Arrays.copyOf(values, size);
  }
}
