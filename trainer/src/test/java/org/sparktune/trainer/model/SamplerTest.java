package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import org.junit.jupiter.api.Test;
import org.sparktune.core.SparktuneException;

class SamplerTest {
  private static final int DRAWS = 20_000;

  /** Probabilities 0.4, 0.3, 0.2, 0.1 of tokens 2, 0, 3, 1. */
  private static float[] logits() {
    return new float[] {
      (float) Math.log(0.3), (float) Math.log(0.1), (float) Math.log(0.4), (float) Math.log(0.2)
    };
  }

  @Test
  void shouldDrawInProportion() {
    assertFrequencies(new SamplingOptions(1, 1, 0, 1, 0, 1, 5), 0.3, 0.1, 0.4, 0.2);
  }

  @Test
  void shouldSharpenWithTemperature() {
    double sum = 0.09 + 0.01 + 0.16 + 0.04;
    assertFrequencies(
        new SamplingOptions(1, 0.5, 0, 1, 0, 1, 5), 0.09 / sum, 0.01 / sum, 0.16 / sum, 0.04 / sum);
  }

  @Test
  void shouldKeepTheTopK() {
    assertFrequencies(new SamplingOptions(1, 1, 2, 1, 0, 1, 5), 3 / 7.0, 0, 4 / 7.0, 0);
  }

  @Test
  void shouldKeepTokensUntilTopPIsReached() {
    assertFrequencies(new SamplingOptions(1, 1, 0, 0.65, 0, 1, 5), 3 / 7.0, 0, 4 / 7.0, 0);
    assertFrequencies(new SamplingOptions(1, 1, 0, 0.75, 0, 1, 5), 3 / 9.0, 0, 4 / 9.0, 2 / 9.0);
  }

  @Test
  void shouldDropTokensBelowMinP() {
    assertFrequencies(new SamplingOptions(1, 1, 0, 1, 0.45, 1, 5), 3 / 9.0, 0, 4 / 9.0, 2 / 9.0);
  }

  @Test
  void shouldPenalizeSeenTokens() {
    Sampler sampler = new Sampler(new SamplingOptions(1, 0, 0, 1, 0, 2, 5), 0);
    sampler.see(2);
    float[] logits = {1, -1, 1.5f, -0.5f};
    assertEquals(0, sampler.next(logits));
    assertArrayEquals(new float[] {1, -1, 0.75f, -0.5f}, logits);
    assertEquals(2, sampler.next(new float[] {-2, -9, -1.5f, -9}));
  }

  @Test
  void shouldRefuseImpossibleOptions() {
    assertThrows(SparktuneException.class, () -> new SamplingOptions(0, 1, 0, 1, 0, 1, 0));
    assertThrows(SparktuneException.class, () -> new SamplingOptions(1, -1, 0, 1, 0, 1, 0));
    assertThrows(SparktuneException.class, () -> new SamplingOptions(1, 1, 0, 0, 0, 1, 0));
    assertThrows(SparktuneException.class, () -> new SamplingOptions(1, 1, 0, 1, 1, 1, 0));
  }

  private static void assertFrequencies(SamplingOptions options, double... expected) {
    Sampler sampler = new Sampler(options, 0);
    int[] counts = new int[expected.length];
    for (int i = 0; i < DRAWS; i++) {
      counts[sampler.next(logits())]++;
    }
    for (int token = 0; token < expected.length; token++) {
      assertEquals(expected[token], counts[token] / (double) DRAWS, 0.015, "token " + token);
    }
  }
}
