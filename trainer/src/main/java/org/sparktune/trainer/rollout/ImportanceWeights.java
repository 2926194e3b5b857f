package org.sparktune.trainer.rollout;

/**
 * How much a token counts that an older policy sampled: {@code min(c, π/μ)} with μ the policy that
 * sampled and π the one at the beginning of the step, from which the clipped ratio is measured. The
 * truncation is that of V-trace's ρ (Espeholt et al. 2018, section 4.1), the separation of the two
 * policies that of decoupled PPO (Hilton et al. 2022, section 3).
 */
final class ImportanceWeights {
  private ImportanceWeights() {}

  /**
   * The weights.
   *
   * @param current {@code (M)} log-probabilities of the policy at the beginning of the step
   * @param sampled {@code (M)}, of the policy that sampled
   * @param cap c, the largest weight
   * @return {@code (M)}
   */
  static float[] of(float[] current, float[] sampled, double cap) {
    float[] weights = new float[current.length];
    for (int t = 0; t < weights.length; t++) {
      // Never e to more than log c: no overflow, whatever the two say.
      double logRatio = Math.min(Math.log(cap), (double) current[t] - sampled[t]);
      weights[t] = (float) Math.exp(logRatio);
    }
    return weights;
  }

  /** Multiplies, in place. */
  static void apply(float[] weights, float[] advantages) {
    for (int t = 0; t < weights.length; t++) {
      advantages[t] *= weights[t];
    }
  }
}
