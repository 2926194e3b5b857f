package org.sparktune.pipeline.reward;

import java.io.Serializable;
import org.apache.spark.sql.catalyst.util.QuantileSummaries;

/**
 * What is kept of scores while they pass: moments and a sketch of quantiles. The sketch is that of
 * Greenwald and Khanna (SIGMOD 2001) as Spark has it, which, unlike those with random compaction,
 * gives the same result for the same scores in the same order; summaries merged in the same order
 * do so too. The rank of a quantile is off by at most {@link #RANK_ERROR} of the count, and not at
 * all below a thousand scores.
 */
public final class ScoreSummary implements Serializable {
  private static final long serialVersionUID = 1L;

  /** By how much of the count a quantile's rank may be off. */
  public static final double RANK_ERROR = 0.0005;

  private static final int COMPRESS_THRESHOLD = 10_000;

  private final Moments moments = new Moments();
  private QuantileSummaries sketch =
      new QuantileSummaries(
          COMPRESS_THRESHOLD, RANK_ERROR, new QuantileSummaries.Stats[0], 0, true);

  /** Adds a score, which must be finite. */
  public void add(double score) {
    moments.add(score);
    sketch = sketch.insert(score);
  }

  /** Adds the scores that come after these. */
  public void merge(ScoreSummary later) {
    moments.merge(later.moments);
    sketch = sketch.compress().merge(later.sketch.compress());
  }

  /** How many scores there were. */
  public long count() {
    return moments.count();
  }

  /** Their moments so far. */
  Moments moments() {
    return moments;
  }

  /** Makes it small, for sending and storing. */
  public ScoreSummary compressed() {
    sketch = sketch.compress();
    return this;
  }

  /** What later scores are normalized by. */
  public ScoreStatistics statistics() {
    return ScoreStatistics.of(moments, quantiles());
  }

  /** Evenly spaced quantiles, as many as there are scores but at most a limit; rising. */
  private double[] quantiles() {
    sketch = sketch.compress();
    QuantileSummaries.Stats[] sampled = sketch.sampled();
    int points = (int) Math.min(moments.count(), ScoreStatistics.MAXIMUM_QUANTILES);
    double widest = 0;
    for (QuantileSummaries.Stats sample : sampled) {
      widest = Math.max(widest, (double) (sample.g() + sample.delta()));
    }
    double[] quantiles = new double[points];
    int at = 0;
    long lowestRank = sampled.length == 0 ? 0 : sampled[0].g();
    for (int i = 0; i < points; i++) {
      double share = points == 1 ? 0 : (double) i / (points - 1);
      double rank = 1 + Math.rint(share * (moments.count() - 1));
      while (at + 1 < sampled.length && !covers(sampled[at], lowestRank, rank, widest / 2)) {
        at++;
        lowestRank += sampled[at].g();
      }
      quantiles[i] = sampled[at].value();
    }
    return quantiles;
  }

  /** Whether all ranks that a sample may have are near the one wanted. */
  private static boolean covers(
      QuantileSummaries.Stats sample, long lowestRank, double rank, double error) {
    return rank - lowestRank <= error && lowestRank + sample.delta() - rank <= error;
  }
}
