package org.sparktune.trainer.objective.dpo;

/**
 * A pair's loss and its derivatives.
 *
 * @param loss of this pair; a step's loss is the mean over its pairs
 * @param dChosen with respect to the summed log-probability of the chosen completion
 * @param dRejected with respect to that of the rejected one
 */
public record PairLoss(double loss, double dChosen, double dRejected) {

  /** The loss of something that depends on Δ alone. */
  static PairLoss ofDifference(double loss, double slope) {
    return new PairLoss(loss, slope, -slope);
  }

  PairLoss plus(PairLoss other) {
    return new PairLoss(loss + other.loss, dChosen + other.dChosen, dRejected + other.dRejected);
  }
}
