package org.sparktune.trainer.objective.ppo;

/**
 * The critic's clipped loss: {@code ½·max((V-R)², (V_clip-R)²)} with V_clip held within a range of
 * the value at sampling time.
 *
 * @param clip the range; infinite for none
 */
public record ValueLoss(double clip) {

  /** Checks the option. */
  public ValueLoss {
    if (!(clip > 0)) {
      throw new IllegalArgumentException("The value's clip range must be positive, not " + clip);
    }
  }

  /**
   * The loss of some tokens.
   *
   * @param loss summed over the tokens
   * @param clipped tokens on which the clipped term was the larger
   */
  public record Value(double loss, long clipped) {}

  /**
   * Computes the loss and its gradient.
   *
   * @param values T, of the critic in training
   * @param sampledValues T, at sampling time
   * @param returns T
   * @param scale what the gradient is multiplied with: coefficient / (tokens of the whole step)
   * @param dValues T, overwritten
   */
  public Value of(
      float[] values, float[] sampledValues, float[] returns, double scale, float[] dValues) {
    double loss = 0;
    long clipped = 0;
    for (int t = 0; t < values.length; t++) {
      double held = Math.max(sampledValues[t] - clip, Math.min(sampledValues[t] + clip, values[t]));
      double free = (double) values[t] - returns[t];
      double bound = held - returns[t];
      if (bound * bound > free * free) {
        clipped++;
        loss += bound * bound / 2;
        dValues[t] = 0;
      } else {
        loss += free * free / 2;
        dValues[t] = (float) (free * scale);
      }
    }
    return new Value(loss, clipped);
  }
}
