package org.sparktune.pipeline.deduplicate;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class MinHashTest {
  private static final int SIZE = 400;

  /** Two sets of which a share of all elements is common. */
  private static long[][] sets(double similarity, Random random) {
    // |A ∩ B| / |A ∪ B| = c / (2n − c)
    int common = (int) Math.round(2 * SIZE * similarity / (1 + similarity));
    long[][] sets = new long[2][SIZE];
    for (int i = 0; i < SIZE; i++) {
      sets[0][i] = random.nextLong();
      sets[1][i] = i < common ? sets[0][i] : random.nextLong();
    }
    return sets;
  }

  @ParameterizedTest
  @CsvSource({"0.8, 128", "0.7, 256", "0.9, 64", "1.0, 256", "0.5, 128"})
  void shouldFindPairsAboveTheThresholdAndNoOthers(double threshold, int permutations) {
    MinHash minHash = new MinHash(permutations, threshold);
    assertTrue(minHash.rows() * minHash.bands() <= permutations);
    Random random = new Random(11);
    double slack = 3 * Math.sqrt(threshold * (1 - threshold) / permutations);
    int found = 0;
    int wrong = 0;
    for (int i = 0; i < 200; i++) {
      found += isFound(minHash, sets(Math.min(1, threshold + slack), random)) ? 1 : 0;
      wrong += isFound(minHash, sets(threshold - slack - 0.02, random)) ? 1 : 0;
    }
    assertTrue(found >= 196, found + " of 200 found");
    assertTrue(wrong <= 4, wrong + " of 200 wrongly found");
  }

  private static boolean isFound(MinHash minHash, long[][] sets) {
    byte[] one = minHash.signature(sets[0]);
    byte[] other = minHash.signature(sets[1]);
    boolean bucket = false;
    long[] keys = minHash.bandKeys(one);
    long[] otherKeys = minHash.bandKeys(other);
    for (int i = 0; i < keys.length; i++) {
      bucket |= keys[i] == otherKeys[i];
    }
    return bucket && minHash.isNear(one, other);
  }

  @Test
  void shouldHaveSignaturesOfSets() {
    MinHash minHash = new MinHash(128, 0.8);
    assertArrayEquals(
        minHash.signature(new long[] {1, 2, 3}), minHash.signature(new long[] {3, 2, 1, 3}));
    assertEquals(512, minHash.signature(new long[] {7}).length);
    assertFalse(
        minHash.isNear(minHash.signature(new long[] {7}), minHash.signature(new long[] {8})));
  }

  /** Stored signatures are compared with those of later versions. */
  @Test
  void shouldNeverChange() {
    byte[] signature = new MinHash(16, 0.8).signature(new long[] {1, 2, 3, 1L << 40});
    assertEquals(
        "aed7dcecb461e3e4968e060c9bf9d371", java.util.HexFormat.of().formatHex(signature, 0, 16));
  }

  @Test
  void shouldDetectWithTheProbabilityItIsMadeFor() {
    MinHash minHash = new MinHash(128, 0.8);
    assertTrue(MinHash.detection(0.8, minHash.rows(), 128) >= 0.99);
    assertTrue(MinHash.detection(0.8, minHash.rows() + 1, 128) < 0.99);
    assertEquals(6, minHash.rows());
    assertEquals(21, minHash.bands());
  }
}
