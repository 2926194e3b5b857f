package org.sparktune.pipeline.text;

import java.io.Serializable;

/** How often each of many hashes was seen. Open addressing: 12 bytes an entry, no objects. */
public final class LongCounts implements Serializable {
  private static final long serialVersionUID = 1L;
  private static final int FIRST_CAPACITY = 16;

  private long[] keys;
  private int[] counts;
  private int size;

  /**
   * @param expected about how many different ones will come
   */
  public LongCounts(int expected) {
    int capacity = FIRST_CAPACITY;
    while (capacity < expected * 2L && capacity < 1 << 30) {
      capacity *= 2;
    }
    keys = new long[capacity];
    counts = new int[capacity];
  }

  /** Counts a hash; how often it has been seen now. */
  public int add(long key) {
    if ((size + 1) * 3L > keys.length * 2L) {
      grow();
    }
    int slot = slot(key);
    if (counts[slot] == 0) {
      keys[slot] = key;
      size++;
    }
    return ++counts[slot];
  }

  /** Whether a hash was seen. */
  public boolean contains(long key) {
    return counts[slot(key)] > 0;
  }

  /** How many different ones were seen. */
  public int size() {
    return size;
  }

  private int slot(long key) {
    int mask = keys.length - 1;
    int slot = (int) (key ^ (key >>> 32)) & mask;
    while (counts[slot] != 0 && keys[slot] != key) {
      slot = (slot + 1) & mask;
    }
    return slot;
  }

  private void grow() {
    long[] oldKeys = keys;
    int[] oldCounts = counts;
    keys = new long[oldKeys.length * 2];
    counts = new int[keys.length];
    for (int i = 0; i < oldKeys.length; i++) {
      if (oldCounts[i] > 0) {
        int slot = slot(oldKeys[i]);
        keys[slot] = oldKeys[i];
        counts[slot] = oldCounts[i];
      }
    }
  }
}
