package org.sparktune.tokenizer.bpe;

import java.util.Arrays;

/**
 * Applies merges to a sequence of symbols: always the pair of the lowest rank, the leftmost of
 * equals. Short sequences by repeated search, long ones with a heap over a linked list, so that n
 * symbols cost O(n log n) at worst. Not safe for use by several threads.
 */
final class Merger {
  /** Up to here the quadratic search is the faster one. */
  private static final int SHORT = 48;

  private final MergeTable merges;

  /** Symbol ids; after {@link #merge} the first {@link #count} are the result. */
  int[] ids = new int[64];

  /**
   * Per symbol the index of its first initial symbol; after {@link #merge} of the result's symbols.
   */
  int[] origins = new int[64];

  /** How many symbols there are. */
  int count;

  private long[] pairs = new long[64];
  private int[] previous = new int[0];
  private int[] next = new int[0];
  private long[] heap = new long[0];
  private int heapSize;

  Merger(MergeTable merges) {
    this.merges = merges;
  }

  void clear() {
    count = 0;
    if (ids.length > 1 << 20) {
      ids = new int[64];
      origins = new int[64];
      pairs = new long[64];
      previous = new int[0];
      next = new int[0];
      heap = new long[0];
    }
  }

  void add(int id) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, count * 2);
      origins = new int[count * 2];
      pairs = new long[count * 2];
    }
    ids[count++] = id;
  }

  void merge() {
    for (int i = 0; i < count; i++) {
      origins[i] = i;
    }
    if (count > SHORT) {
      mergeLong();
    } else if (count > 1) {
      mergeShort();
    }
  }

  private void mergeShort() {
    int n = count;
    int best = -1;
    long bestPair = MergeTable.NONE;
    for (int i = 0; i < n - 1; i++) {
      long pair = merges.find(ids[i], ids[i + 1]);
      pairs[i] = pair;
      if (earlier(pair, bestPair)) {
        bestPair = pair;
        best = i;
      }
    }
    while (best >= 0) {
      ids[best] = (int) bestPair;
      n--;
      // The pair at best goes; what follows moves one to the left.
      for (int i = best + 1; i < n; i++) {
        ids[i] = ids[i + 1];
        origins[i] = origins[i + 1];
        pairs[i - 1] = pairs[i];
      }
      if (best > 0) {
        pairs[best - 1] = merges.find(ids[best - 1], ids[best]);
      }
      if (best < n - 1) {
        pairs[best] = merges.find(ids[best], ids[best + 1]);
      }
      best = -1;
      bestPair = MergeTable.NONE;
      for (int i = 0; i < n - 1; i++) {
        if (earlier(pairs[i], bestPair)) {
          bestPair = pairs[i];
          best = i;
        }
      }
    }
    count = n;
  }

  /** Compares ranks only: pairs of one rank go from left to right. */
  private static boolean earlier(long pair, long other) {
    return pair >>> 32 < other >>> 32;
  }

  private void mergeLong() {
    if (next.length < count) {
      next = new int[ids.length];
      previous = new int[ids.length];
      heap = new long[ids.length * 2];
    }
    heapSize = 0;
    for (int i = 0; i < count; i++) {
      previous[i] = i - 1;
      next[i] = i + 1 < count ? i + 1 : -1;
      pairs[i] = MergeTable.NONE;
    }
    for (int i = 0; i < count - 1; i++) {
      pairs[i] = merges.find(ids[i], ids[i + 1]);
      push(i);
    }
    while (heapSize > 0) {
      long top = pop();
      int at = (int) top;
      long pair = pairs[at];
      if (pair >>> 32 != top >>> 32) {
        continue; // The pair that was queued here is gone.
      }
      int right = next[at];
      ids[at] = (int) pair;
      pairs[right] = MergeTable.NONE;
      next[at] = next[right];
      if (next[at] >= 0) {
        previous[next[at]] = at;
        pairs[at] = merges.find(ids[at], ids[next[at]]);
        push(at);
      } else {
        pairs[at] = MergeTable.NONE;
      }
      int left = previous[at];
      if (left >= 0) {
        pairs[left] = merges.find(ids[left], ids[at]);
        push(left);
      }
    }
    int n = 0;
    for (int i = 0; i >= 0; i = next[i]) {
      ids[n] = ids[i];
      origins[n] = i;
      n++;
    }
    count = n;
  }

  private void push(int at) {
    if (pairs[at] == MergeTable.NONE) {
      return;
    }
    if (heapSize == heap.length) {
      heap = Arrays.copyOf(heap, heap.length * 2);
    }
    long entry = (pairs[at] & 0xFFFFFFFF00000000L) | at;
    int i = heapSize++;
    while (i > 0) {
      int parent = (i - 1) >>> 1;
      if (heap[parent] <= entry) {
        break;
      }
      heap[i] = heap[parent];
      i = parent;
    }
    heap[i] = entry;
  }

  private long pop() {
    final long top = heap[0];
    long last = heap[--heapSize];
    int i = 0;
    while (2 * i + 1 < heapSize) {
      int child = 2 * i + 1;
      if (child + 1 < heapSize && heap[child + 1] < heap[child]) {
        child++;
      }
      if (heap[child] >= last) {
        break;
      }
      heap[i] = heap[child];
      i = child;
    }
    heap[i] = last;
    return top;
  }
}
