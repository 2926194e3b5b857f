package org.sparktune.trainer.objective.dpo;

import org.sparktune.trainer.objective.Logistic;

/**
 * KTO (Ethayarajh et al. 2024): completions that are each only judged good or bad. The value of a
 * completion is measured from a reference point, the policy's divergence from its reference.
 *
 * @param beta scales log-ratios
 * @param desirableWeight λ_D
 * @param undesirableWeight λ_U
 */
public record JudgedLoss(double beta, double desirableWeight, double undesirableWeight) {

  /** Checks the options. */
  public JudgedLoss {
    if (!(beta > 0) || !(desirableWeight >= 0) || !(undesirableWeight >= 0)) {
      throw new IllegalArgumentException(
          "KTO needs beta > 0 and weights of at least 0, not %s, %s, %s"
              .formatted(beta, desirableWeight, undesirableWeight));
    }
  }

  /**
   * The loss of one completion.
   *
   * @param loss λ·(1 - σ(±β·(log-ratio - reference point)))
   * @param dLogProb with respect to the completion's summed log-probability
   */
  public record Value(double loss, double dLogProb) {}

  /**
   * Values one completion.
   *
   * @param logRatio its summed log π/π_ref
   * @param desirable how it was judged
   * @param referencePoint from {@link #referencePoint}; no gradient flows through it
   */
  public Value of(double logRatio, boolean desirable, double referencePoint) {
    double sign = desirable ? 1 : -1;
    double weight = desirable ? desirableWeight : undesirableWeight;
    double x = sign * beta * (logRatio - referencePoint);
    double miss = Logistic.sigmoid(-x);
    return new Value(weight * miss, -weight * sign * beta * miss * Logistic.sigmoid(x));
  }

  /**
   * The reference point of a step: the mean log-ratio of completions paired with prompts they do
   * not belong to, at least 0.
   *
   * @param mismatchedLogRatios summed over each completion's tokens
   */
  public static double referencePoint(double[] mismatchedLogRatios) {
    double sum = 0;
    for (double logRatio : mismatchedLogRatios) {
      sum += logRatio;
    }
    return mismatchedLogRatios.length == 0 ? 0 : Math.max(0, sum / mismatchedLogRatios.length);
  }
}
