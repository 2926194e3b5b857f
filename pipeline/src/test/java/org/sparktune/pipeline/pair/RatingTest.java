package org.sparktune.pipeline.pair;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.pipeline.spec.PairOptions;

class RatingTest {
  private static Rating.Games games(int players, int[][] wins) {
    int[] first = new int[wins.length];
    int[] second = new int[wins.length];
    double[] outcome = new double[wins.length];
    for (int i = 0; i < wins.length; i++) {
      first[i] = wins[i][0];
      second[i] = wins[i][1];
      outcome[i] = wins[i].length == 2 ? 1 : 0.5;
    }
    return new Rating.Games(players, wins.length, first, second, outcome);
  }

  /** At the maximum everyone wins as often as the model expects, the prior's draw included. */
  @ParameterizedTest
  @ValueSource(ints = {2, 5, 30})
  void shouldMaximizeTheLikelihoodOfBradleyAndTerry(int players) {
    Random random = new Random(players);
    int[][] wins = new int[players * 40][];
    for (int i = 0; i < wins.length; i++) {
      int one = random.nextInt(players);
      int other = (one + 1 + random.nextInt(players - 1)) % players;
      boolean upset = random.nextInt(4) == 0;
      wins[i] = one < other == upset ? new int[] {other, one} : new int[] {one, other};
    }
    double[] strengths = BradleyTerry.strengths(games(players, wins));
    double[] gradient = new double[players];
    for (int[] win : wins) {
      double expected = 1 / (1 + Math.exp(strengths[win[1]] - strengths[win[0]]));
      gradient[win[0]] += 1 - expected;
      gradient[win[1]] -= 1 - expected;
    }
    for (int player = 0; player < players; player++) {
      gradient[player] += 0.5 - 1 / (1 + Math.exp(-strengths[player]));
    }
    assertArrayEquals(new double[players], gradient, 1e-6);
  }

  @Test
  void shouldFindTheStrengthsThatPlayedTheGames() {
    double[] truth = {1.2, 0.3, -0.4, -1.1};
    Random random = new Random(11);
    int[][] wins = new int[60_000][];
    for (int i = 0; i < wins.length; i++) {
      int one = random.nextInt(4);
      int other = (one + 1 + random.nextInt(3)) % 4;
      boolean won = random.nextDouble() < 1 / (1 + Math.exp(truth[other] - truth[one]));
      wins[i] = won ? new int[] {one, other} : new int[] {other, one};
    }
    assertArrayEquals(truth, BradleyTerry.strengths(games(4, wins)), 0.05);
  }

  @Test
  void shouldRateWhoAlwaysWinsAndThoseWhoNeverMet() {
    double[] strengths = BradleyTerry.strengths(games(5, new int[][] {{0, 1}, {0, 1}, {2, 3, 0}}));
    assertTrue(strengths[0] > strengths[2] && strengths[2] > strengths[1]);
    assertEquals(strengths[2], strengths[3], 1e-9);
    assertEquals(0, strengths[4], 1e-9);
  }

  @Test
  void shouldUpdateAsElo() {
    assertArrayEquals(
        new double[] {1516, 1484}, Elo.ratings(games(2, new int[][] {{0, 1}})), 1e-12);
    double expected = 1 / (1 + Math.pow(10, -32 / 400.0));
    assertArrayEquals(
        new double[] {1516 + 32 * (0.5 - expected), 1484 - 32 * (0.5 - expected)},
        Elo.ratings(games(2, new int[][] {{0, 1}, {0, 1, 0}})),
        1e-9);
  }

  @Test
  void shouldTakeResponsesThatSayTheSameForOne() {
    List<Contest> contests = new ArrayList<>();
    Candidate good = new Candidate(Double.NaN, 1, 1, 0, 0, 5, 0);
    Candidate sameElsewhere = new Candidate(Double.NaN, 1, 1, 0, 0, 2, 1);
    Candidate bad = new Candidate(Double.NaN, 2, 1, 0, 0, 5, 1);
    contests.add(new Contest(sameElsewhere, sameElsewhere, 1, 0));
    contests.add(new Contest(good, bad, 1, 0));
    List<Candidate> rated = Rating.of(PairOptions.Rating.BRADLEY_TERRY, contests);
    assertEquals(2, rated.size());
    assertEquals(2, rated.get(0).line());
    assertTrue(rated.get(0).score() > rated.get(1).score());
  }
}
