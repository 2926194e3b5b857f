package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class AttentionRunsTest {
  private static final int UNLIMITED = Integer.MAX_VALUE;

  private static int[] documents(int... lengths) {
    int[] fields = AttentionRuns.fields(lengths.length);
    int row = 0;
    for (int i = 0; i < lengths.length; i++) {
      AttentionRuns.put(fields, i, row, lengths[i], row, lengths[i]);
      row += lengths[i];
    }
    return fields;
  }

  @Test
  void shouldBeginWithTheQueriesThatSeeMost() {
    int[] pairs =
        AttentionRuns.pairs(
            documents(130, 0, 64, 200), new AttentionRuns.Cut(64, false, UNLIMITED));
    // Run and first query: 200 keys, 192, twice 130 and 128, then three tiles of 64.
    assertArrayEquals(new int[] {3, 192, 3, 128, 0, 128, 0, 64, 3, 64, 0, 0, 2, 0, 3, 0}, pairs);
  }

  @Test
  void shouldBeginWithTheKeysThatAreSeenMost() {
    int[] pairs =
        AttentionRuns.pairs(documents(130, 200), new AttentionRuns.Cut(128, true, UNLIMITED));
    assertArrayEquals(new int[] {1, 0, 0, 0, 1, 128, 0, 128}, pairs);
  }

  @Test
  void shouldKeepTheOrderOfTilesThatAWindowMakesEqual() {
    int[] pairs = AttentionRuns.pairs(documents(320), new AttentionRuns.Cut(64, false, 10));
    assertArrayEquals(new int[] {0, 64, 0, 128, 0, 192, 0, 256, 0, 0}, pairs);
  }

  @Test
  void shouldCountTheCachedKeysOfNewQueries() {
    int[] fields = AttentionRuns.fields(2);
    AttentionRuns.put(fields, 0, 0, 10, 0, 10);
    AttentionRuns.put(fields, 1, 10, 2, 100, 500);
    int[] pairs = AttentionRuns.pairs(fields, new AttentionRuns.Cut(64, false, UNLIMITED));
    assertArrayEquals(new int[] {1, 0, 0, 0}, pairs);
  }

  @Test
  void shouldHaveNoTilesWithoutRows() {
    assertEquals(
        0, AttentionRuns.pairs(documents(0, 0), new AttentionRuns.Cut(64, true, 5)).length);
  }
}
