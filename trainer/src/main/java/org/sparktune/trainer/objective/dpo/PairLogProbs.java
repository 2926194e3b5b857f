package org.sparktune.trainer.objective.dpo;

/**
 * What a model and its reference say of two completions of one prompt.
 *
 * @param chosen the policy's log-probability of the chosen completion, summed over its tokens
 * @param rejected the same of the rejected one
 * @param referenceChosen the reference's, 0 for a loss without reference
 * @param referenceRejected the reference's, 0 for a loss without reference
 * @param chosenTokens completion tokens that were summed, at least 1
 * @param rejectedTokens the same of the rejected one
 * @param margin by how much the chosen completion should be preferred, in units of β·Δ (Amini et
 *     al. 2024); 0 for none
 */
public record PairLogProbs(
    double chosen,
    double rejected,
    double referenceChosen,
    double referenceRejected,
    int chosenTokens,
    int rejectedTokens,
    double margin) {

  /** Checks that both completions have tokens. */
  public PairLogProbs {
    if (chosenTokens < 1 || rejectedTokens < 1) {
      throw new IllegalArgumentException(
          "A pair of %d and %d completion tokens".formatted(chosenTokens, rejectedTokens));
    }
  }

  /** log π/π_ref of the chosen completion. */
  public double chosenLogRatio() {
    return chosen - referenceChosen;
  }

  /** log π/π_ref of the rejected completion. */
  public double rejectedLogRatio() {
    return rejected - referenceRejected;
  }

  /** βΔ - margin, where Δ is how much more than its reference the policy prefers the chosen one. */
  double preference(double beta) {
    return beta * (chosenLogRatio() - rejectedLogRatio()) - margin;
  }
}
