package org.sparktune.pipeline.pair;

import java.util.Arrays;

/**
 * Elo's rating (The Rating of Chessplayers, Past and Present, 1978), as chess has it: everyone
 * begins with 1500, 400 points are odds of ten to one, and a comparison moves at most 32 points.
 */
final class Elo {
  private static final double START = 1500;
  private static final double SCALE = 400;
  private static final double STEP = 32;

  private Elo() {}

  /** By player, the rating after all comparisons in their order. */
  static double[] ratings(Rating.Games games) {
    double[] ratings = new double[games.players()];
    Arrays.fill(ratings, START);
    for (int game = 0; game < games.count(); game++) {
      int first = games.first()[game];
      int second = games.second()[game];
      double odds = StrictMath.pow(10, (ratings[second] - ratings[first]) / SCALE);
      double moved = STEP * (games.outcome()[game] - 1 / (1 + odds));
      ratings[first] += moved;
      ratings[second] -= moved;
    }
    return ratings;
  }
}
