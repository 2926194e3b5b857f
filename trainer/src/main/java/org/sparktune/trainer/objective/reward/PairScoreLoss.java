package org.sparktune.trainer.objective.reward;

import org.sparktune.trainer.objective.Logistic;

/**
 * Bradley–Terry with a margin, and a pull of the scores' mean to 0 (Eisenstein et al. 2023): {@code
 * -logσ(r_c - r_r - margin) + c·(r_c + r_r)²}.
 *
 * @param centring c, at least 0
 */
public record PairScoreLoss(double centring) {

  /** Checks the option. */
  public PairScoreLoss {
    if (!(centring >= 0)) {
      throw new IllegalArgumentException("centring must be at least 0, not " + centring);
    }
  }

  /**
   * A pair's loss and its derivatives.
   *
   * @param loss of this pair; a step's loss is the mean over its pairs
   * @param dChosen with respect to the chosen completion's score
   * @param dRejected with respect to the rejected one's
   */
  public record Value(double loss, double dChosen, double dRejected) {}

  /**
   * The loss of two scores.
   *
   * @param margin by how much the scores should differ at least, in units of the score
   */
  public Value of(double chosen, double rejected, double margin) {
    double x = chosen - rejected - margin;
    double slope = -Logistic.sigmoid(-x);
    double sum = chosen + rejected;
    double pull = 2 * centring * sum;
    return new Value(-Logistic.logSigmoid(x) + centring * sum * sum, slope + pull, -slope + pull);
  }
}
