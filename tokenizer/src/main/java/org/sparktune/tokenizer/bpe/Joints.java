package org.sparktune.tokenizer.bpe;

import java.util.Arrays;

/**
 * Says between which neighbouring code points a merge can ever reach. If no merged token holds the
 * two side by side (nor their adjoining bytes, where tokens end inside a code point), no token
 * spans the place between them, so the text may be cut there and its parts encoded one by one, with
 * the same result. Answers for Latin-1 and SentencePiece's space come from a bit table, others from
 * a small memory of recent answers, which makes an object of this class good for one thread only;
 * {@link #copy()} makes one for another thread.
 */
final class Joints {
  private static final char META_SPACE = '\u2581';
  private static final int TABLE_WIDTH = 257;
  private static final int MEMORY = 1 << 15;

  /** Pairs of (bytes before, bytes after) that stand side by side in some token. */
  private final long[] pairs;

  private final int mask;
  private final long[] table;
  private final long[] memory = new long[MEMORY];

  private Joints(long[] pairs, long[] table) {
    this.pairs = pairs;
    this.mask = pairs.length - 1;
    this.table = table;
    Arrays.fill(memory, -1);
  }

  /** For tokens given by their UTF-8 bytes, which may begin and end inside a code point. */
  static Joints of(Iterable<byte[]> tokens) {
    long[] pairs = new long[1 << 12];
    Arrays.fill(pairs, -1);
    int size = 0;
    for (byte[] token : tokens) {
      int left = 0;
      for (int i = 1; i < token.length; i++) {
        if (!Utf8.isLead(token[i])) {
          continue;
        }
        int end = i + 1;
        while (end < token.length && !Utf8.isLead(token[end])) {
          end++;
        }
        // More than four bytes before the cut cannot stand in well-formed text.
        if (i - left <= 4
            && end - i <= 4
            && insert(pairs, pack(token, left, i, end))
            && 2 * ++size > pairs.length) {
          pairs = grown(pairs);
        }
        left = i;
      }
    }
    Joints joints = new Joints(pairs, new long[((TABLE_WIDTH * TABLE_WIDTH) >>> 6) + 1]);
    joints.fillTable();
    return joints;
  }

  Joints copy() {
    return new Joints(pairs, table);
  }

  /** Whether some token may span the place between two code points. */
  boolean mayJoin(int left, int right) {
    int row = left < 256 ? left : left == META_SPACE ? 256 : -1;
    int column = right < 256 ? right : right == META_SPACE ? 256 : -1;
    if ((row | column) >= 0) {
      int bit = row * TABLE_WIDTH + column;
      return (table[bit >>> 6] >>> bit & 1) != 0;
    }
    long key = (long) left << 21 | right;
    int slot = (int) ((key * 0x9E3779B97F4A7C15L) >>> 49);
    long found = memory[slot];
    if (found >>> 1 == key) {
      return (found & 1) != 0;
    }
    boolean answer = search(left, right);
    memory[slot] = key << 1 | (answer ? 1 : 0);
    return answer;
  }

  private void fillTable() {
    for (int row = 0; row < TABLE_WIDTH; row++) {
      for (int column = 0; column < TABLE_WIDTH; column++) {
        if (search(row < 256 ? row : META_SPACE, column < 256 ? column : META_SPACE)) {
          int bit = row * TABLE_WIDTH + column;
          table[bit >>> 6] |= 1L << bit;
        }
      }
    }
  }

  /** Tries every end of the left code point with every beginning of the right one. */
  private boolean search(int left, int right) {
    int leftBytes = Utf8.packed(left);
    int rightBytes = Utf8.packed(right);
    int leftLength = Utf8.length(left);
    int rightLength = Utf8.length(right);
    for (int i = 1; i <= leftLength; i++) {
      long before = i == 4 ? leftBytes & 0xFFFFFFFFL : leftBytes & (1L << (8 * i)) - 1;
      for (int j = 1; j <= rightLength; j++) {
        long after = (rightBytes & 0xFFFFFFFFL) >>> (8 * (rightLength - j));
        if (contains(before << 32 | after)) {
          return true;
        }
      }
    }
    return false;
  }

  private boolean contains(long pair) {
    int slot = hash(pair) & mask;
    while (pairs[slot] != -1) {
      if (pairs[slot] == pair) {
        return true;
      }
      slot = (slot + 1) & mask;
    }
    return false;
  }

  private static boolean insert(long[] pairs, long pair) {
    int slot = hash(pair) & (pairs.length - 1);
    while (pairs[slot] != -1) {
      if (pairs[slot] == pair) {
        return false;
      }
      slot = (slot + 1) & (pairs.length - 1);
    }
    pairs[slot] = pair;
    return true;
  }

  private static long[] grown(long[] pairs) {
    long[] larger = new long[pairs.length * 4];
    Arrays.fill(larger, -1);
    for (long pair : pairs) {
      if (pair != -1) {
        insert(larger, pair);
      }
    }
    return larger;
  }

  private static long pack(byte[] token, int start, int middle, int end) {
    long before = 0;
    for (int i = start; i < middle; i++) {
      before = before << 8 | (token[i] & 0xFF);
    }
    long after = 0;
    for (int i = middle; i < end; i++) {
      after = after << 8 | (token[i] & 0xFF);
    }
    return before << 32 | after;
  }

  private static int hash(long pair) {
    return (int) ((pair * 0x9E3779B97F4A7C15L) >>> 32);
  }
}
