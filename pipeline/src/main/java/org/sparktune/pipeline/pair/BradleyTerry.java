package org.sparktune.pipeline.pair;

import java.util.Arrays;

/**
 * The Bradley–Terry model: i beats j with probability γᵢ / (γᵢ + γⱼ). Strengths by the MM algorithm
 * of Hunter (Annals of Statistics 32, 2004, equation 3); a tie is half a win for both. Everyone
 * also draws once against a player of strength 1, so that who always wins has a finite strength,
 * and groups that never met can be compared.
 */
final class BradleyTerry {
  private static final int MAXIMUM_ITERATIONS = 10_000;
  private static final double TOLERANCE = 1e-10;
  private static final double LONGEST_STEP = 2;

  private BradleyTerry() {}

  /** By player, ln γ. */
  static double[] strengths(Rating.Games games) {
    double[] wins = new double[games.players()];
    Arrays.fill(wins, 0.5);
    for (int game = 0; game < games.count(); game++) {
      wins[games.first()[game]] += games.outcome()[game];
      wins[games.second()[game]] += 1 - games.outcome()[game];
    }
    double[] strengths = new double[games.players()];
    Arrays.fill(strengths, 1);
    double[] expected = new double[games.players()];
    double change = Double.MAX_VALUE;
    for (int i = 0; i < MAXIMUM_ITERATIONS && change > TOLERANCE; i++) {
      for (int player = 0; player < expected.length; player++) {
        expected[player] = 1 / (strengths[player] + 1);
      }
      for (int game = 0; game < games.count(); game++) {
        int first = games.first()[game];
        int second = games.second()[game];
        double share = 1 / (strengths[first] + strengths[second]);
        expected[first] += share;
        expected[second] += share;
      }
      change = 0;
      for (int player = 0; player < strengths.length; player++) {
        double updated = wins[player] / expected[player];
        change = Math.max(change, Math.abs(updated / strengths[player] - 1));
        strengths[player] = updated;
      }
      change = Math.max(change, shift(strengths));
    }
    for (int player = 0; player < strengths.length; player++) {
      strengths[player] = StrictMath.log(strengths[player]);
    }
    return strengths;
  }

  /**
   * One step of Newton's method towards the common factor of all strengths at which everyone
   * together wins half of the draws. The games say nothing about it, so that without this it would
   * be found very slowly.
   *
   * @return how far the step went, as a logarithm
   */
  private static double shift(double[] strengths) {
    double excess = 0;
    double slope = 0;
    for (double strength : strengths) {
      double wins = strength / (strength + 1);
      excess += wins - 0.5;
      slope += wins * (1 - wins);
    }
    double step = Math.max(-LONGEST_STEP, Math.min(LONGEST_STEP, -excess / slope));
    double factor = StrictMath.exp(step);
    for (int player = 0; player < strengths.length; player++) {
      strengths[player] *= factor;
    }
    return Math.abs(step);
  }
}
