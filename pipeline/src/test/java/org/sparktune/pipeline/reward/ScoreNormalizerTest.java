package org.sparktune.pipeline.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.pipeline.spec.RewardOptions;
import org.sparktune.pipeline.spec.RewardOptions.By;
import org.sparktune.pipeline.spec.RewardOptions.Method;

class ScoreNormalizerTest {
  private static ScoreStatistics of(double... scores) {
    ScoreSummary summary = new ScoreSummary();
    for (double score : scores) {
      summary.add(score);
    }
    return summary.statistics();
  }

  private static ScoreNormalizer wide(Method method) {
    return new ScoreNormalizer(new RewardOptions(method, By.ALL, -10, 10, 0.25, 0.75, null));
  }

  /** Of 0, 2, 4, 6, 8: mean 4, variance 8; median 4, median deviation 2; quartiles 2 and 6. */
  @ParameterizedTest
  @CsvSource({
    "NONE, 7, 7",
    "Z_SCORE, 8, 1.4142135623730951",
    "Z_SCORE, 4, 0",
    "Z_SCORE, -100, -10",
    "MIN_MAX, 0, -10",
    "MIN_MAX, 6, 5",
    "MIN_MAX, 9, 10",
    "RANK, 2, -5",
    "RANK, 7, 7.5",
    "ROBUST, 6, 0.6744907594765952",
    "QUANTILE, 4, 0",
    "QUANTILE, 6, 10",
    "QUANTILE, 8, 10"
  })
  void shouldNormalize(Method method, double score, double expected) {
    assertEquals(expected, wide(method).normalize(score, of(0, 2, 4, 6, 8)), 1e-12);
  }

  @ParameterizedTest
  @EnumSource(value = Method.class, names = "NONE", mode = EnumSource.Mode.EXCLUDE)
  void shouldMakeAConstantZero(Method method) {
    ScoreNormalizer usual = new ScoreNormalizer(RewardOptions.of(method, By.ALL));
    assertEquals(0, usual.normalize(0.1, of(0.1, 0.1, 0.1)));
    assertEquals(0, usual.normalize(5, of(3)));
    ScoreNormalizer positive =
        new ScoreNormalizer(new RewardOptions(method, By.ALL, 1, 2, 0, 1, null));
    assertEquals(1, positive.normalize(0.1, of(0.1, 0.1)));
  }

  @Test
  void shouldUseTheMeanDeviationWhereTheMedianOneIsZero() {
    ScoreStatistics mostlyAlike = of(1, 1, 1, 1, 6);
    assertEquals(0, mostlyAlike.medianDeviation());
    assertEquals(5 / 1.253314, wide(Method.ROBUST).normalize(6, mostlyAlike), 1e-12);
  }

  @Test
  void shouldClipToMinusOneAndOneUnlessToldOtherwise() {
    ScoreNormalizer usual = new ScoreNormalizer(RewardOptions.of(Method.Z_SCORE, By.ALL));
    assertEquals(1, usual.normalize(8, of(0, 2, 4, 6, 8)));
    assertEquals(Math.sqrt(2), usual.scale(8, of(0, 2, 4, 6, 8)), 1e-12);
  }

  @ParameterizedTest
  @EnumSource(Method.class)
  void shouldEndWhereABatchWouldWhenScoresStream(Method method) {
    RunningNormalizer running =
        new RunningNormalizer(new RewardOptions(method, By.ALL, -10, 10, 0.25, 0.75, null));
    Random random = new Random(3);
    ScoreSummary batch = new ScoreSummary();
    double streamed = 0;
    double score = 0;
    for (int i = 0; i < 20_000; i++) {
      score = random.nextGaussian() * 3 + 1;
      batch.add(score);
      streamed = running.normalize(score);
    }
    assertEquals(wide(method).normalize(score, batch.statistics()), streamed, 0.1);
    assertEquals(batch.statistics().mean(), running.statistics().mean());
    assertEquals(batch.statistics().median(), running.statistics().median(), 0.02);
    assertThrows(IllegalArgumentException.class, () -> running.normalize(Double.NaN));
    assertEquals(20_000, running.statistics().count());
  }
}
