package org.sparktune.pipeline.reward;

import java.io.Serializable;
import org.sparktune.pipeline.spec.RewardOptions;

/**
 * Normalizes scores by what is known of them.
 *
 * @param options the method and the range
 */
public record ScoreNormalizer(RewardOptions options) implements Serializable {
  /**
   * What makes the median absolute deviation of a normal distribution its standard deviation
   * (Huber, Robust Statistics 1981, section 5.1).
   */
  private static final double MEDIAN_SCALE = 1.4826;

  /**
   * The same for the mean absolute deviation, √(π/2), which takes its place where more than half of
   * the scores are the same (Iglewicz and Hoaglin, How to Detect and Handle Outliers, 1993).
   */
  private static final double MEAN_SCALE = 1.253314;

  /** The normalized score, within the range; 0, or what in the range is nearest, of a constant. */
  public double normalize(double score, ScoreStatistics statistics) {
    return clip(scale(score, statistics));
  }

  /** A score within the range asked for. */
  public double clip(double value) {
    return Math.max(options.low(), Math.min(options.high(), value));
  }

  /** The normalized score before it is clipped, so that those outside of the range still differ. */
  public double scale(double score, ScoreStatistics statistics) {
    if (!options.active()) {
      return score;
    }
    if (statistics.constant() || statistics.count() == 0) {
      return 0;
    }
    return switch (options.method()) {
      case NONE -> score;
      case Z_SCORE -> (score - statistics.mean()) / statistics.standardDeviation();
      case MIN_MAX -> between(score, statistics.min(), statistics.max());
      case RANK -> options.low() + (options.high() - options.low()) * statistics.rank(score);
      case ROBUST -> (score - statistics.median()) / spread(statistics);
      case QUANTILE ->
          between(
              score,
              statistics.quantile(options.lowQuantile()),
              statistics.quantile(options.highQuantile()));
    };
  }

  private static double spread(ScoreStatistics statistics) {
    return statistics.medianDeviation() > 0
        ? MEDIAN_SCALE * statistics.medianDeviation()
        : MEAN_SCALE * statistics.meanDeviation();
  }

  /** Two scores become the ends of the range. */
  private double between(double score, double low, double high) {
    return low == high
        ? Math.signum(score - low)
        : options.low() + (options.high() - options.low()) * ((score - low) / (high - low));
  }
}
