package org.sparktune.tokenizer.bpe;

/**
 * Remembers the ids of short pieces of text. Bounded: when its storage, 5 MiB, is full it starts
 * over. Not safe for use by several threads.
 */
final class SegmentCache {
  /** Longer pieces are not kept. */
  static final int LONGEST = 32;

  private static final int BITS = 17;
  private static final int SLOTS = 1 << BITS;
  private static final int SLOT_SHIFT = Integer.SIZE - BITS;
  private static final int FIELDS = 4;
  private static final int FULL = SLOTS / 2;
  private static final int KEY_STORAGE = FULL * 12;
  private static final int ID_STORAGE = FULL * 6;

  /** Per slot: hash, start of the key, length of the key and of the ids, start of the ids. */
  private final int[] slots = new int[SLOTS * FIELDS];

  private final char[] keys = new char[KEY_STORAGE];
  private final int[] ids = new int[ID_STORAGE];
  private int entries;
  private int keysUsed;
  private int idsUsed;

  static int hash(char[] text, int start, int end) {
    int hash = end - start;
    for (int i = start; i < end; i++) {
      hash = hash * 31 + text[i];
    }
    return hash * 0x9E3779B9;
  }

  /** Appends the ids of a piece to {@code out} if it is known. */
  boolean find(char[] text, int start, int end, int hash, IntList out) {
    int slot = hash >>> SLOT_SHIFT;
    int length = end - start;
    while (true) {
      int base = slot * FIELDS;
      int lengths = slots[base + 2];
      if (lengths == 0) {
        return false;
      }
      if (slots[base] == hash
          && lengths >>> 16 == length
          && same(text, start, slots[base + 1], length)) {
        out.addAll(ids, slots[base + 3], lengths & 0xFFFF);
        return true;
      }
      slot = (slot + 1) & (SLOTS - 1);
    }
  }

  private boolean same(char[] text, int start, int key, int length) {
    for (int i = 0; i < length; i++) {
      if (text[start + i] != keys[key + i]) {
        return false;
      }
    }
    return true;
  }

  /** Remembers the ids that {@code from} holds from {@code first} on for a piece not yet known. */
  void put(char[] text, int start, int end, int hash, IntList from, int first) {
    int length = end - start;
    int count = from.size() - first;
    if (entries == FULL || keysUsed + length > KEY_STORAGE || idsUsed + count > ID_STORAGE) {
      clear();
    }
    int slot = hash >>> SLOT_SHIFT;
    while (slots[slot * FIELDS + 2] != 0) {
      slot = (slot + 1) & (SLOTS - 1);
    }
    int base = slot * FIELDS;
    slots[base] = hash;
    slots[base + 1] = keysUsed;
    slots[base + 2] = length << 16 | count;
    slots[base + 3] = idsUsed;
    System.arraycopy(text, start, keys, keysUsed, length);
    System.arraycopy(from.array(), first, ids, idsUsed, count);
    entries++;
    keysUsed += length;
    idsUsed += count;
  }

  private void clear() {
    java.util.Arrays.fill(slots, 0);
    entries = 0;
    keysUsed = 0;
    idsUsed = 0;
  }
}
