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
    return permutation(epoch, count, epoch, 1);
  }

  /** The order of a part's row groups in an epoch. */
  int[] rowGroups(long epoch, int part, int count) {
    return permutation(epoch, count, epoch, 2, part);
  }

  /** The order of a row group's rows in an epoch. */
  int[] rows(long epoch, int part, int rowGroup, int count) {
    return permutation(epoch, count, epoch, 3, part, rowGroup);
  }

  private int[] permutation(long epoch, int count, long... place) {
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[i] = i;
    }
    if (reshuffled && epoch > 0) {
      // java.util.Random: its numbers are part of the Java specification.
      Random random = new Random(Seeds.derive(seed, place));
      for (int i = count - 1; i > 0; i--) {
        int j = random.nextInt(i + 1);
        int swap = order[i];
        order[i] = order[j];
        order[j] = swap;
      }
    }
    return order;
  }
}
