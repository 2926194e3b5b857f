package org.sparktune.trainer.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.cpu.CpuVectors;

class OwnershipTest {
  private static final long PLENTY = 1L << 40;

  @Test
  void shouldTakeWholeLayersWhereMemoryIsPlentiful() {
    Buckets buckets = Buckets.of(layout(4, 600_000), PLENTY);
    // Layers begin at multiples of 600,000; bounds are rounded up to multiples of 1,024.
    assertEquals(
        "[Range[from=1800192, to=2400000], Range[from=1200128, to=1800192],"
            + " Range[from=600064, to=1200128], Range[from=0, to=600064]]",
        buckets.ranges().toString());
  }

  @Test
  void shouldJoinSmallLayers() {
    assertEquals(1, Buckets.of(layout(3, 1000), PLENTY).ranges().size());
    Buckets buckets = Buckets.of(layout(10, 100_000), PLENTY);
    for (Slices.Range range : buckets.ranges().subList(0, buckets.ranges().size() - 1)) {
      assertTrue(range.size() >= Buckets.SMALLEST, range.toString());
    }
  }

  @Test
  void shouldFollowFreeMemoryWhereItIsTight() {
    assertEquals(1024, Buckets.limit(0));
    assertEquals(4096, Buckets.limit(1 << 20));
    assertEquals(Buckets.LARGEST, Buckets.limit(PLENTY));
    for (Slices.Range range : Buckets.of(layout(2, 300_001), 1 << 20).ranges()) {
      assertTrue(range.size() <= 4096, range.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "1,7", "2,600000", "5,123457", "3,1024", "2,1025"})
  void shouldOwnEveryElementExactlyOnce(int layers, long elements) {
    ParameterLayout layout = layout(layers, elements);
    for (long free : new long[] {0, 1 << 20, 1 << 26, PLENTY}) {
      Buckets buckets = Buckets.of(layout, free);
      long end = layout.size();
      for (Slices.Range bucket : buckets.ranges()) {
        assertEquals(end, bucket.to());
        assertEquals(0, bucket.from() % Slices.ALIGNMENT);
        end = bucket.from();
      }
      assertEquals(0, end);
      for (int ranks = 1; ranks <= 9; ranks++) {
        long owned = 0;
        for (int rank = 0; rank < ranks; rank++) {
          Ownership ownership = Ownership.of(buckets, rank, ranks);
          owned += ownership.ownedSize();
          long previous = -1;
          for (Slices.Range range : ownership.ranges()) {
            assertTrue(range.from() > previous, ownership.toString());
            previous = range.to();
          }
        }
        assertEquals(layout.size(), owned);
      }
    }
  }

  @Test
  void shouldHoldTwoMomentsOfEveryParameterSharedByTheRanks() {
    ParameterLayout layout = layout(8, 1 << 18);
    Buckets buckets = Buckets.of(layout, PLENTY);
    for (int ranks : new int[] {1, 2, 4, 8}) {
      for (int rank = 0; rank < ranks; rank++) {
        try (CpuVectors vectors = new CpuVectors(1);
            Optimizer optimizer =
                AdamWOptions.DEFAULTS.create(
                    layout, Ownership.of(buckets, rank, ranks), vectors, 1)) {
          long owned = optimizer.ownership().ownedSize();
          assertEquals(layout.size() / ranks, owned);
          // Two moments, each with what it takes to begin at a multiple of 64 bytes.
          assertEquals(2 * (owned * Float.BYTES + 64), optimizer.stateBytes());
          assertEquals(2, AdamWOptions.DEFAULTS.statePerParameter());
        }
      }
    }
  }

  private static ParameterLayout layout(int layers, long elements) {
    ParameterLayout layout = new ParameterLayout();
    for (int layer = 0; layer < layers; layer++) {
      layout.add("model.layers." + layer + ".a", true, elements / 2);
      layout.add("model.layers." + layer + ".b", false, elements - elements / 2);
    }
    return layout;
  }
}
