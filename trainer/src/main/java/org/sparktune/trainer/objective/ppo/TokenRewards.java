package org.sparktune.trainer.objective.ppo;

/**
 * Rewards token by token: {@code -coefficient · kl_t}, and the response's score at its last token
 * (Stiennon et al. 2020).
 *
 * @param estimator of each token's divergence
 */
public record TokenRewards(KlEstimator estimator) {

  /**
   * Computes the rewards.
   *
   * @param scores S
   * @param logProbs T, of the policy that sampled
   * @param referenceLogProbs T
   * @param coefficient of the divergence
   * @return T
   */
  public float[] of(
      Responses responses,
      float[] scores,
      float[] logProbs,
      float[] referenceLogProbs,
      double coefficient) {
    responses.requireResponses("scores", scores);
    responses.requireTokens("log-probabilities", logProbs);
    responses.requireTokens("reference log-probabilities", referenceLogProbs);
    float[] rewards = new float[responses.tokens()];
    for (int s = 0; s < responses.count(); s++) {
      int last = responses.starts()[s + 1] - 1;
      for (int t = responses.starts()[s]; t <= last; t++) {
        double reward = -coefficient * estimator.of(logProbs[t], referenceLogProbs[t]);
        rewards[t] = (float) (t == last ? reward + scores[s] : reward);
      }
    }
    return rewards;
  }
}
