package org.sparktune.trainer.objective.ppo;

/**
 * The clipped surrogate (Schulman et al. 2017): {@code max(-A·ρ, -A·clip(ρ, 1-ε, 1+ε'))} with ρ the
 * ratio of the new probability to the one that sampled; unequal bounds after Yu et al. 2025.
 *
 * @param clipBelow ε
 * @param clipAbove ε'
 */
public record PolicyLoss(double clipBelow, double clipAbove) {

  /** e to more than this is beyond any useful ratio, and its square still finite. */
  private static final double LARGEST_LOG_RATIO = 300;

  /** Checks the options. */
  public PolicyLoss {
    if (!(clipBelow > 0 && clipBelow <= 1 && clipAbove > 0)) {
      throw new IllegalArgumentException(
          "The clip range must be positive, not %s below and %s above"
              .formatted(clipBelow, clipAbove));
    }
  }

  /**
   * The loss of some tokens.
   *
   * @param loss summed over the tokens; the caller divides by the tokens of the whole step
   * @param clipped tokens on which the clipped term was the larger
   * @param divergence Σ (ρ - 1 - log ρ), an estimate of KL(old ‖ new)
   */
  public record Value(double loss, long clipped, double divergence) {}

  /**
   * Computes the loss and its gradient.
   *
   * @param logProbs T, of the policy in training
   * @param sampledLogProbs T, of the policy that sampled
   * @param advantages T
   * @param scale what the gradient is multiplied with: 1 / (tokens of the whole step)
   * @param dLogProbs T, overwritten
   */
  public Value of(
      float[] logProbs,
      float[] sampledLogProbs,
      float[] advantages,
      double scale,
      float[] dLogProbs) {
    double loss = 0;
    long clipped = 0;
    double divergence = 0;
    for (int t = 0; t < logProbs.length; t++) {
      double logRatio =
          Math.max(
              -LARGEST_LOG_RATIO,
              Math.min(LARGEST_LOG_RATIO, (double) logProbs[t] - sampledLogProbs[t]));
      double ratio = Math.exp(logRatio);
      double bounded = Math.max(1 - clipBelow, Math.min(1 + clipAbove, ratio));
      double free = -advantages[t] * ratio;
      double bound = -advantages[t] * bounded;
      if (bound > free) {
        clipped++;
        loss += bound;
        dLogProbs[t] = 0;
      } else {
        loss += free;
        dLogProbs[t] = (float) (free * scale);
      }
      divergence += Math.expm1(logRatio) - logRatio;
    }
    return new Value(loss, clipped, divergence);
  }
}
