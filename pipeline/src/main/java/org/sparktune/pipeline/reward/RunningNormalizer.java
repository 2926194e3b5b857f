package org.sparktune.pipeline.reward;

import java.io.Serializable;
import org.sparktune.pipeline.spec.RewardOptions;

/**
 * Normalizes a stream of scores by those that passed so far, each counted before it is normalized.
 * Methods that need quantiles look at them again whenever the scores have become a tenth more.
 * Equal streams give equal results; what it holds does not grow with the stream. Not safe for use
 * by several threads.
 */
public final class RunningNormalizer implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final double GROWTH = 1.1;

  private final ScoreNormalizer normalizer;
  private final ScoreSummary summary = new ScoreSummary();
  private ScoreStatistics known = summary.statistics();
  private double refreshAt;

  /**
   * @param options the method and the range
   */
  public RunningNormalizer(RewardOptions options) {
    this.normalizer = new ScoreNormalizer(options);
  }

  /**
   * Counts a score and normalizes it.
   *
   * @throws IllegalArgumentException when it is no finite number; it is not counted then
   */
  public double normalize(double score) {
    if (!Double.isFinite(score)) {
      throw new IllegalArgumentException("A score is " + score);
    }
    summary.add(score);
    return normalizer.normalize(score, current());
  }

  /** What is known of the scores so far, to be kept or applied to others. */
  public ScoreStatistics statistics() {
    return summary.statistics();
  }

  private ScoreStatistics current() {
    switch (normalizer.options().method()) {
      case NONE, Z_SCORE, MIN_MAX -> {
        // Moments cost nothing; quantiles stay those of the last look, which nobody reads.
        Moments moments = summary.moments();
        known =
            new ScoreStatistics(
                moments.count(),
                moments.mean(),
                moments.standardDeviation(),
                moments.min(),
                moments.max(),
                known.median(),
                known.medianDeviation(),
                known.quantiles());
      }
      case RANK, ROBUST, QUANTILE -> {
        if (summary.count() >= refreshAt) {
          known = summary.statistics();
          refreshAt = summary.count() * GROWTH;
        }
      }
    }
    return known;
  }
}
