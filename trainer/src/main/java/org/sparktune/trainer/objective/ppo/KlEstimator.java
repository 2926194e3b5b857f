package org.sparktune.trainer.objective.ppo;

/** Estimates of KL(π ‖ π_ref) from one sampled token (Schulman 2020). */
public enum KlEstimator {
  /** log π - log π_ref: unbiased, of either sign. */
  K1 {
    @Override
    public double of(double logProb, double referenceLogProb) {
      return logProb - referenceLogProb;
    }
  },
  /** π_ref/π - 1 - log(π_ref/π): unbiased, never negative, of lower variance. */
  K3 {
    @Override
    public double of(double logProb, double referenceLogProb) {
      double logRatio = referenceLogProb - logProb;
      return Math.expm1(logRatio) - logRatio;
    }
  };

  /** The estimate from a token's log-probabilities. */
  public abstract double of(double logProb, double referenceLogProb);

  /**
   * The divergence of each response, summed over its tokens, averaged over the responses.
   *
   * @param logProbs T
   * @param referenceLogProbs T
   */
  public double mean(Responses responses, float[] logProbs, float[] referenceLogProbs) {
    responses.requireTokens("log-probabilities", logProbs);
    responses.requireTokens("reference log-probabilities", referenceLogProbs);
    double sum = 0;
    for (int t = 0; t < logProbs.length; t++) {
      sum += of(logProbs[t], referenceLogProbs[t]);
    }
    return responses.count() == 0 ? 0 : sum / responses.count();
  }
}
