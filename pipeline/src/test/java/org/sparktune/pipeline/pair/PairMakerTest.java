package org.sparktune.pipeline.pair;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.pipeline.spec.PairOptions;
import org.sparktune.pipeline.spec.PairOptions.Balance;
import org.sparktune.pipeline.spec.PairOptions.Rating;
import org.sparktune.pipeline.spec.PairOptions.Strategy;

class PairMakerTest {
  private static final long PROMPT = 77;

  private static PairPolicy policy(Strategy strategy, int most, double margin) {
    return new PairPolicy(
        new PairOptions(strategy, most, margin, 1, Rating.BRADLEY_TERRY, List.of()), 5);
  }

  private static Candidate candidate(int line, double score) {
    return new Candidate(score, 1000 + line, 10, 0, 0, line, 0);
  }

  private static List<Candidate> candidates(double... scores) {
    List<Candidate> candidates = new ArrayList<>();
    for (double score : scores) {
      candidates.add(candidate(candidates.size(), score));
    }
    return candidates;
  }

  private static PromptSummary summary(PairPolicy policy, List<Candidate> candidates) {
    PromptSummary summary = new PromptSummary(policy, PROMPT);
    candidates.forEach(summary::add);
    return summary;
  }

  private static Map<String, Long> counts(PairPolicy policy, double... scores) {
    PairCounts counts = new PairCounts();
    new PairMaker(policy, counts).pairs(summary(policy, candidates(scores)));
    return counts.counts();
  }

  private static List<String> lines(PairPolicy policy, double... scores) {
    return new PairMaker(policy, new PairCounts())
        .pairs(summary(policy, candidates(scores))).stream()
            .map(pair -> pair.chosen().line() + ">" + pair.rejected().line())
            .toList();
  }

  @Test
  void shouldPairTheBestWithTheWorst() {
    PairPolicy policy = policy(Strategy.BEST_WORST, 1, 0);
    assertEquals(List.of("2>1"), lines(policy, 3, 1, 4, 1.5));
    assertEquals(List.of(), lines(policy, 3));
    assertEquals(1, counts(policy, 3).get("pairs.prompts_with_one_response"));
    assertEquals(List.of(), lines(policy, 2, 2, 2));
    assertEquals(1, counts(policy, 2, 2, 2).get("pairs.ties"));
    assertEquals(
        Map.of("pairs.prompts", 1L, "pairs.responses", 4L, "pairs.made", 1L),
        counts(policy, 3, 1, 4, 1.5));
  }

  @Test
  void shouldPairTheFirstFewWithTheLastFew() {
    PairPolicy policy = policy(Strategy.TOP_K, 3, 0);
    assertEquals(List.of("6>0", "5>1", "4>2"), lines(policy, 0, 1, 2, 3, 4, 5, 6));
    assertEquals(List.of("3>0", "2>1"), lines(policy, 0, 1, 2, 3));
    assertEquals(List.of("2>0"), lines(policy, 0, 1, 2));
    assertEquals(List.of("3>0"), lines(policy, 0, 1, 1, 2));
    assertEquals(1, counts(policy, 0, 1, 1, 2).get("pairs.ties"));
  }

  @Test
  void shouldDropPairsWithASmallMargin() {
    assertEquals(List.of("6>0"), lines(policy(Strategy.TOP_K, 3, 5), 0, 1, 2, 3, 4, 5, 6));
    assertEquals(
        2, counts(policy(Strategy.TOP_K, 3, 5), 0, 1, 2, 3, 4, 5, 6).get("pairs.below_margin"));
  }

  /** Of five scores one apart, six pairs are at least two apart, four are not; of none is a tie. */
  @Test
  void shouldFindEveryPairWithTheMargin() {
    Map<String, Long> counts = counts(policy(Strategy.MARGIN, 64, 2), 0, 1, 2, 3, 4);
    assertEquals(6, counts.get("pairs.made"));
    assertEquals(4, counts.get("pairs.below_margin"));
    assertEquals(2, lines(policy(Strategy.MARGIN, 2, 2), 0, 1, 2, 3, 4).size());
    assertEquals(1, counts(policy(Strategy.MARGIN, 9, 1), 0, 2, 2).get("pairs.ties"));
  }

  @Test
  void shouldCountPairsThatSayTheSame() {
    PairPolicy policy = policy(Strategy.TEMPERATURE, 1, 0);
    PairCounts counts = new PairCounts();
    Candidate one = new Candidate(1, 9, 10, 0, 0, 0, 0);
    Candidate other = new Candidate(0, 9, 10, 0, 0, 1, 0);
    assertEquals(
        List.of(), new PairMaker(policy, counts).pairs(summary(policy, List.of(one, other))));
    assertEquals(1, counts.counts().get("pairs.identical"));
  }

  @ParameterizedTest
  @EnumSource(value = Strategy.class, names = "GIVEN", mode = EnumSource.Mode.EXCLUDE)
  void shouldNotDependOnOrderOrPartitions(Strategy strategy)
      throws IOException, ClassNotFoundException {
    PairPolicy policy = policy(strategy, 5, strategy == Strategy.MARGIN ? 0.5 : 0);
    Random random = new Random(strategy.word().length());
    List<Candidate> candidates = new ArrayList<>();
    for (int line = 0; line < 3000; line++) {
      // Scores and texts that come again.
      candidates.add(
          new Candidate(
              random.nextInt(50) / 10.0, random.nextInt(900), 10, 0, line % 7, line, line % 3));
    }
    PairMaker maker = new PairMaker(policy, new PairCounts());
    List<ChosenPair> expected = maker.pairs(summary(policy, candidates));
    assertTrue(!expected.isEmpty());
    for (int parts : new int[] {1, 4, 100}) {
      Collections.shuffle(candidates, random);
      PromptSummary merged = new PromptSummary(policy, PROMPT);
      for (int part = 0; part < parts; part++) {
        List<Candidate> own = new ArrayList<>();
        for (int i = part; i < candidates.size(); i += parts) {
          own.add(candidates.get(i));
        }
        merged = sent(summary(policy, own)).merge(merged);
      }
      assertEquals(expected, maker.pairs(merged));
      assertEquals(3000, merged.responses());
    }
  }

  private static PromptSummary sent(PromptSummary summary)
      throws IOException, ClassNotFoundException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(summary);
    }
    assertTrue(bytes.size() < 40_000, "a summary is bounded: " + bytes.size());
    try (ObjectInputStream in =
        new ObjectInputStream(new ByteArrayInputStream(bytes.toByteArray()))) {
      return (PromptSummary) in.readObject();
    }
  }

  @Test
  void shouldDrawByTemperature() {
    double[] scores = {0, 1, 2};
    int[] bestChosen = new int[2];
    double[] temperatures = {0.1, 100};
    for (int t = 0; t < 2; t++) {
      for (int prompt = 0; prompt < 2000; prompt++) {
        PairPolicy policy =
            new PairPolicy(
                new PairOptions(Strategy.TEMPERATURE, 1, 0, temperatures[t], Rating.ELO, List.of()),
                5);
        PromptSummary summary = new PromptSummary(policy, prompt);
        candidates(scores).forEach(summary::add);
        List<ChosenPair> pairs = new PairMaker(policy, new PairCounts()).pairs(summary);
        boolean best = !pairs.isEmpty() && pairs.get(0).chosen().score() == 2;
        bestChosen[t] += best && pairs.get(0).rejected().score() == 0 ? 1 : 0;
      }
    }
    assertTrue(bestChosen[0] > 1990, "cold: nearly always the extremes, " + bestChosen[0]);
    // Of 9 draws of two, 2 are the best and the worst.
    assertEquals(2000 * 2 / 9.0, bestChosen[1], 60, "hot: by chance");
  }

  @Test
  void shouldBalanceSourcesAndLengths() {
    PairPolicy policy =
        new PairPolicy(
            new PairOptions(
                Strategy.BEST_WORST,
                1,
                0,
                1,
                Rating.BRADLEY_TERRY,
                List.of(Balance.SOURCE, Balance.LENGTH)),
            5);
    PairCounts counts = new PairCounts();
    PairMaker maker = new PairMaker(policy, counts);
    List<ChosenPair> pairs = new ArrayList<>();
    for (int prompt = 0; prompt < 8000; prompt++) {
      // Source 0 has three times as many; the chosen one is longer in three of four.
      int source = prompt % 4 == 0 ? 1 : 0;
      int length = (prompt / 4) % 4 == 0 ? 5 : 20;
      PromptSummary summary = new PromptSummary(policy, prompt);
      summary.add(new Candidate(1, 2L * prompt, length, source, 0, prompt, 0));
      summary.add(new Candidate(0, 2L * prompt + 1, 10, source, 0, prompt, 1));
      pairs.addAll(maker.pairs(summary));
    }
    PairBalance balance = new PairBalance(policy, counts);
    int[][] kept = new int[2][2];
    for (ChosenPair pair : pairs) {
      if (balance.keeps(pair)) {
        kept[pair.chosen().source()][pair.chosen().length() == 20 ? 1 : 0]++;
      }
    }
    for (int[] source : kept) {
      for (int count : source) {
        assertEquals(500, count, 75);
      }
    }
    assertEquals(500, kept[1][0], "the smallest stays whole");
    assertNotEquals(
        lines(new PairPolicy(policy.options(), 5), 1, 2),
        lines(new PairPolicy(policy.options(), 5), 2, 1));
  }
}
