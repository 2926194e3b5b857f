package org.sparktune.trainer.rollout;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.Test;

class ImportanceWeightsTest {
  @Test
  void shouldBeTheRatioUpToTheCap() {
    float[] current = {-1, -2, -3, -1};
    float[] sampled = {-1, -1, -3.5f, -3};
    float[] expected = {1, (float) Math.exp(-1), (float) Math.exp(0.5), 2};
    assertArrayEquals(expected, ImportanceWeights.of(current, sampled, 2), 1e-6f);
  }

  @Test
  void shouldStayFiniteWhereThePoliciesHaveNothingInCommon() {
    float[] weights = ImportanceWeights.of(new float[] {0, -1e4f}, new float[] {-1e4f, 0}, 1.5);
    assertArrayEquals(new float[] {1.5f, 0}, weights, 1e-6f);
  }

  @Test
  void shouldMultiplyAdvantages() {
    float[] advantages = {2, -4};
    ImportanceWeights.apply(new float[] {0.5f, 1.5f}, advantages);
    assertArrayEquals(new float[] {1, -6}, advantages);
  }
}
