package org.sparktune.trainer.optim;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class GradientTreeTest {
  private static final int SIZE = 1037;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4, 5, 6, 7, 8, 11, 16, 31})
  void shouldAddInTreeOrder(int count) {
    float[][] leaves = leaves(count);
    assertArrayEquals(plainSum(leaves, 0, 32), treeSum(leaves));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void shouldGiveTheSameBitsOnAnyPowerOfTwoOfRanks(int ranks) {
    float[][] leaves = leaves(16);
    int share = leaves.length / ranks;
    float[][] ofRanks = new float[ranks][];
    for (int rank = 0; rank < ranks; rank++) {
      ofRanks[rank] = treeSum(Arrays.copyOfRange(leaves, rank * share, (rank + 1) * share));
    }
    assertArrayEquals(treeSum(leaves), treeSum(ofRanks));
  }

  @Test
  void shouldHoldNothingForASingleMicroBatch() {
    assertEquals(0, GradientTree.partialSums(1));
    assertEquals(1, GradientTree.partialSums(2));
    assertEquals(2, GradientTree.partialSums(3));
    assertEquals(3, GradientTree.partialSums(8));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 6, 7})
  void shouldSumLossesInTheSameTree(int count) {
    Random random = new Random(count);
    double[] losses = random.doubles(count, 0, 10).toArray();
    double expected =
        switch (count) {
          case 1 -> losses[0];
          case 2 -> losses[0] + losses[1];
          case 3 -> losses[0] + losses[1] + losses[2];
          case 6 -> ((losses[0] + losses[1]) + (losses[2] + losses[3])) + (losses[4] + losses[5]);
          default ->
              ((losses[0] + losses[1]) + (losses[2] + losses[3]))
                  + ((losses[4] + losses[5]) + losses[6]);
        };
    assertEquals(expected, GradientTree.sum(losses));
  }

  private static float[][] leaves(int count) {
    Random random = new Random(count);
    float[][] leaves = new float[count][];
    for (int i = 0; i < count; i++) {
      leaves[i] = AdamWTest.normal(random, SIZE);
    }
    return leaves;
  }

  private static float[] treeSum(float[][] leaves) {
    try (Arena arena = new Arena("test");
        CpuVectors vectors = new CpuVectors(2)) {
      Tensor gradients = arena.allocate(DType.F32, SIZE);
      try (GradientTree tree = new GradientTree(gradients, leaves.length, vectors)) {
        tree.begin();
        for (int i = 0; i < leaves.length; i++) {
          assertEquals(0f, gradients.getFloat(SIZE - 1));
          gradients.set(leaves[i]);
          if (i + 1 < leaves.length) {
            tree.next();
          }
        }
        tree.finish();
        return gradients.toFloatArray();
      }
    }
  }

  /** The sum of leaves {@code from} to {@code from + width - 1}, by the definition. */
  private static float[] plainSum(float[][] leaves, int from, int width) {
    if (from >= leaves.length) {
      return new float[SIZE];
    }
    if (width == 1) {
      return leaves[from];
    }
    float[] left = plainSum(leaves, from, width / 2);
    float[] right = plainSum(leaves, from + width / 2, width / 2);
    float[] sum = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      sum[i] = left[i] + right[i];
    }
    return sum;
  }
}
