package org.sparktune.trainer.objective.ppo;

/**
 * Generalized advantage estimation (Schulman et al. 2016): {@code δ_t = r_t + γ·V_{t+1} - V_t},
 * {@code A_t = δ_t + γλ·A_{t+1}}; the value after a response's last token is 0.
 *
 * @param discount γ
 * @param trace λ
 */
public record GeneralizedAdvantage(double discount, double trace) {

  /** Checks the options. */
  public GeneralizedAdvantage {
    if (!(discount >= 0 && discount <= 1 && trace >= 0 && trace <= 1)) {
      throw new IllegalArgumentException(
          "gamma and lambda must be in [0, 1], not %s and %s".formatted(discount, trace));
    }
  }

  /**
   * What a rollout's tokens were worth.
   *
   * @param advantages T, not whitened
   * @param returns T: advantages + values, what the critic should say
   */
  public record Estimate(float[] advantages, float[] returns) {}

  /**
   * Estimates advantages and returns.
   *
   * @param rewards T
   * @param values T, the critic's at sampling time
   */
  public Estimate of(Responses responses, float[] rewards, float[] values) {
    responses.requireTokens("rewards", rewards);
    responses.requireTokens("values", values);
    float[] advantages = new float[rewards.length];
    float[] returns = new float[rewards.length];
    for (int s = 0; s < responses.count(); s++) {
      double advantage = 0;
      double next = 0;
      for (int t = responses.starts()[s + 1] - 1; t >= responses.starts()[s]; t--) {
        double surprise = rewards[t] + discount * next - values[t];
        advantage = surprise + discount * trace * advantage;
        advantages[t] = (float) advantage;
        returns[t] = (float) (advantage + values[t]);
        next = values[t];
      }
    }
    return new Estimate(advantages, returns);
  }
}
