package org.sparktune.pipeline.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScoreSummaryTest {
  private static double[] numbers(int count, long seed) {
    Random random = new Random(seed);
    double[] numbers = new double[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = 1e6 + random.nextGaussian() * (i % 3 == 0 ? 1 : 7);
    }
    return numbers;
  }

  /** As pieces are summarized and merged. */
  private static ScoreSummary merged(double[] numbers, int pieces) {
    ScoreSummary all = new ScoreSummary();
    for (int piece = 0; piece < pieces; piece++) {
      ScoreSummary part = new ScoreSummary();
      int from = (int) ((long) numbers.length * piece / pieces);
      int to = (int) ((long) numbers.length * (piece + 1) / pieces);
      for (int i = from; i < to; i++) {
        part.add(numbers[i]);
      }
      all.merge(part.compressed());
    }
    return all;
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 207, 4098})
  void shouldHaveExactMomentsHoweverTheyAreMerged(int count) {
    double[] numbers = numbers(count, count);
    double mean = Arrays.stream(numbers).map(x -> x - 1e6).sum() / count + 1e6;
    double variance = 0;
    for (double number : numbers) {
      variance += (number - mean) * (number - mean) / count;
    }
    for (int pieces : new int[] {1, 3, 40}) {
      ScoreStatistics found = merged(numbers, pieces).statistics();
      assertEquals(count, found.count());
      assertEquals(mean, found.mean(), 1e-9 * 1e6 * 1e-3);
      assertEquals(Math.sqrt(variance), found.standardDeviation(), 1e-9);
      assertEquals(Arrays.stream(numbers).min().getAsDouble(), found.min());
      assertEquals(Arrays.stream(numbers).max().getAsDouble(), found.max());
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 13, 207, 999})
  void shouldKnowAFewScoresExactly(int count) {
    double[] numbers = numbers(count, 5);
    double[] sorted = numbers.clone();
    Arrays.sort(sorted);
    ScoreStatistics found = merged(numbers, 4).statistics();
    assertEquals(count, found.quantiles().length);
    for (int i = 0; i < count; i++) {
      assertEquals(sorted[i], found.quantiles()[i]);
    }
    assertEquals((sorted[(count - 1) / 2] + sorted[count / 2]) / 2, found.median(), 1e-9);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 7, 150})
  void shouldKnowManyScoresWithinTheErrorOfTheSketch(int pieces) {
    int count = 200_000;
    double[] numbers = new double[count];
    for (int i = 0; i < count; i++) {
      // Every rank once, in an order that looks random.
      numbers[i] = (i * 99_991L) % count;
    }
    ScoreStatistics found = merged(numbers, pieces).statistics();
    int last = found.quantiles().length - 1;
    for (int i = 0; i <= last; i++) {
      double rank = (double) i / last * (count - 1);
      assertEquals(rank, found.quantiles()[i], 2 * ScoreSummary.RANK_ERROR * count + 1);
    }
    assertEquals(0, found.quantiles()[0]);
    assertEquals(count - 1, found.quantiles()[last]);
    for (double score : new double[] {0, 1234.5, 77_777, 150_000, 199_999}) {
      assertEquals(score / (count - 1), found.rank(score), 2 * ScoreSummary.RANK_ERROR + 1e-3);
    }
    assertEquals(count / 4.0, found.medianDeviation(), 4 * ScoreSummary.RANK_ERROR * count);
  }

  @Test
  void shouldGiveTheSameForTheSamePieces() {
    double[] numbers = numbers(50_000, 9);
    assertEquals(merged(numbers, 11).statistics(), merged(numbers, 11).statistics());
  }

  @Test
  void shouldRankThoseAlikeInTheirMiddle() {
    double[] numbers = {1, 2, 2, 2, 3};
    ScoreStatistics found = merged(numbers, 2).statistics();
    assertEquals(0, found.rank(1));
    assertEquals(0.5, found.rank(2));
    assertEquals(1, found.rank(3));
    assertEquals(0.875, found.rank(2.5));
    assertEquals(0, found.rank(-9));
    assertEquals(1, found.rank(9));
  }

  @Test
  void shouldSurviveBeingStored(@TempDir Path folder) throws IOException {
    ScoreStatistics all = merged(numbers(3000, 1), 3).statistics();
    TreeMap<String, ScoreStatistics> groups = new TreeMap<>();
    groups.put("math", merged(numbers(20, 2), 1).statistics());
    RewardStatistics stored = new RewardStatistics("source", all, groups);
    Files.createDirectory(folder.resolve("dataset"));
    Files.writeString(folder.resolve("dataset").resolve("_rewards.json"), stored.toJson());
    RewardStatistics read = RewardStatistics.read(folder.toString(), new Configuration(false));
    assertEquals(stored, read);
    assertEquals(groups.get("math"), read.of("math"));
    assertEquals(all, read.of("unknown"));
    assertTrue(stored.toJson().contains("\"median_deviation\""));
  }
}
