package org.sparktune.tokenizer.bpe;

/**
 * Which pairs of ids merge, in which order, into what: a hash table from (left, right) to (rank,
 * merged), with keys and values side by side so that a look-up touches one cache line.
 */
public final class MergeTable {
  /** What {@link #find} answers for a pair that does not merge. */
  public static final long NONE = Long.MAX_VALUE;

  private static final long EMPTY = -1;

  private final long[] slots;
  private final int shift;
  private final int mask;
  private int size;

  /**
   * @param expected how many merges there will be at most
   */
  public MergeTable(int expected) {
    int bits = 33 - Integer.numberOfLeadingZeros(Math.max(8, expected + expected / 4));
    slots = new long[2 << bits];
    shift = 64 - bits;
    mask = (1 << bits) - 1;
    for (int i = 0; i < slots.length; i += 2) {
      slots[i] = EMPTY;
    }
  }

  /** Adds a merge; a pair given again takes the later rank, as in Hugging Face's tokenizers. */
  public void put(int left, int right, int rank, int merged) {
    long key = key(left, right);
    int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
    while (slots[2 * slot] != EMPTY && slots[2 * slot] != key) {
      slot = (slot + 1) & mask;
    }
    if (slots[2 * slot] == EMPTY) {
      size++;
    }
    slots[2 * slot] = key;
    slots[2 * slot + 1] = ((long) rank << 32) | merged;
  }

  /** {@code rank << 32 | merged} of a pair, or {@link #NONE}; smaller means earlier. */
  public long find(int left, int right) {
    long key = key(left, right);
    int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> shift);
    while (true) {
      long found = slots[2 * slot];
      if (found == key) {
        return slots[2 * slot + 1];
      }
      if (found == EMPTY) {
        return NONE;
      }
      slot = (slot + 1) & mask;
    }
  }

  /** How many pairs merge. */
  public int size() {
    return size;
  }

  /** Gives every pair's left, right and merged id to the consumer, in no particular order. */
  public void forEach(MergeConsumer consumer) {
    for (int i = 0; i < slots.length; i += 2) {
      if (slots[i] != EMPTY) {
        consumer.accept((int) (slots[i] >>> 32), (int) slots[i], (int) slots[i + 1]);
      }
    }
  }

  private static long key(int left, int right) {
    return ((long) left << 32) | right;
  }

  /** Takes one merge. */
  @FunctionalInterface
  public interface MergeConsumer {
    /** A pair and what it becomes. */
    void accept(int left, int right, int merged);
  }
}
