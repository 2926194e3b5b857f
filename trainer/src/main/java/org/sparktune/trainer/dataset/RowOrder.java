package org.sparktune.trainer.dataset;

import java.util.Random;

/**
 * In which order an epoch visits parts, row groups and rows. The first epoch follows storage, which
 * the preparation has shuffled already; later epochs permute parts, the row groups of a part and
 * the rows of a row group when {@code reshuffled}. So no more than one row group is ever held.
 *
 * @param reshuffled whether later epochs are permuted
 * @param seed of the permutations
 */
public record RowOrder(boolean reshuffled, long seed) {

  /** Every epoch as stored. */
  public static final RowOrder STORED = new RowOrder(false, 0);

  /** The first epoch as stored, each later one permuted in its own way. */
  public static RowOrder reshuffled(long seed) {
    return new RowOrder(true, seed);
  }

  /** The order of parts in an epoch. */
  int[] parts(long epoch, int count) {
    return permutation(epoch, count, 1);
  }

  /** The order of a part's row groups in an epoch. */
  int[] rowGroups(long epoch, int part, int count) {
    return permutation(epoch, count, 2, part);
  }

  /** The order of a row group's rows in an epoch. */
  int[] rows(long epoch, int part, int rowGroup, int count) {
    return permutation(epoch, count, 3, part, rowGroup);
  }

  private int[] permutation(long epoch, int count, int... place) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[i] = i;
    }
    if (reshuffled && epoch > 0) {
      long mixed = mix(seed ^ mix(epoch));
      for (int coordinate : place) {
        mixed = mix(mixed ^ coordinate);
      }
      // java.util.Random: its numbers are part of the Java specification.
      Random random = new Random(mixed);
      for (int i = count - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
    }
    return order;
  }

  /** SplitMix64 (Steele, Lea and Flood 2014): neighbouring inputs give unrelated seeds. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
