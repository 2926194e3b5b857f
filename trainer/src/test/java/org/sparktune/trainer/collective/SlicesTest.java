package org.sparktune.trainer.collective;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class SlicesTest {

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 13, 16})
  void shouldCutABucketWithoutGapsAtBlockBoundaries(int ranks) {
    for (long length : new long[] {0, 1, 1023, 1024, 1025, 5000, 1 << 20, (1L << 33) + 7}) {
      List<Slices.Range> owned = new ArrayList<>(Slices.all(ranks, length));
      owned.removeIf(range -> range.size() == 0);
      owned.sort(Comparator.comparingLong(Slices.Range::from));
      long end = 0;
      for (Slices.Range range : owned) {
        assertEquals(end, range.from());
        assertEquals(0, range.from() % Slices.ALIGNMENT);
        end = range.to();
      }
      assertEquals(length, end);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 13, 16})
  void shouldGiveEveryLeafToOneRankInTreeOrder(int ranks) {
    for (int leaves = 1; leaves < 40; leaves++) {
      long end = 0;
      for (int rank = 0; rank < ranks; rank++) {
        Slices.Range range = Slices.leaves(rank, ranks, leaves);
        if (range.size() > 0) {
          assertEquals(end, range.from());
          end = range.to();
        }
      }
      assertTrue(end >= leaves, "%d of %d leaves".formatted(end, leaves));
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4, 5, 6, 7, 8, 13, 16})
  void shouldPairTheFirstRanksWhenThereIsNoPowerOfTwo(int ranks) {
    int followers = 0;
    for (int rank = 0; rank < ranks; rank++) {
      if (Slices.isFollower(rank, ranks)) {
        followers++;
        assertEquals(rank - 1, Slices.leader(Slices.group(rank, ranks), ranks));
        assertEquals(0, Slices.owned(rank, ranks, 1 << 20).size());
      }
    }
    assertEquals(ranks - Slices.groups(ranks), followers);
  }
}
