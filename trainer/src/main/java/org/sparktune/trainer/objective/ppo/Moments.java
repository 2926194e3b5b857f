package org.sparktune.trainer.objective.ppo;

/**
 * Count, mean and sum of squared distances from the mean of some numbers; those of two sets can be
 * joined (Chan et al. 1979), so that every rank whitens by the numbers of all of them. Ranks join
 * in the order of their index: equal bits everywhere.
 *
 * @param count how many numbers
 * @param mean their mean
 * @param squares Σ (x - mean)²
 */
public record Moments(long count, double mean, double squares) {

  /** Of no numbers. */
  public static final Moments NONE = new Moments(0, 0, 0);

  /** Keeps the variance of equal numbers from dividing by 0. */
  private static final double EPSILON = 1e-8;

  /** The moments of some numbers. */
  public static Moments of(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    double mean = values.length == 0 ? 0 : sum / values.length;
    double squares = 0;
    for (float value : values) {
      squares += (value - mean) * (value - mean);
    }
    return new Moments(values.length, mean, squares);
  }

  /** The moments of both sets together. */
  public Moments join(Moments other) {
    long total = count + other.count;
    if (total == 0) {
      return NONE;
    }
    double distance = other.mean - mean;
    return new Moments(
        total,
        mean + distance * other.count / total,
        squares + other.squares + distance * distance * count / total * other.count);
  }

  /** The unbiased variance; 0 of fewer than two numbers. */
  public double variance() {
    return count < 2 ? 0 : squares / (count - 1);
  }

  /** (x - mean) / √(variance + 1e-8), in place: all 0 where all numbers are equal. */
  public void whiten(float[] values) {
    double scale = 1 / Math.sqrt(variance() + EPSILON);
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) ((values[i] - mean) * scale);
    }
  }
}
