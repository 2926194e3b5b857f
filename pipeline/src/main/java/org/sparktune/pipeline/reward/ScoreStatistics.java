package org.sparktune.pipeline.reward;

import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import java.io.Serializable;
import java.util.Arrays;

/**
 * What is known of a group of scores.
 *
 * @param count how many
 * @param mean their mean
 * @param standardDeviation the square root of their mean squared distance from the mean
 * @param min the lowest
 * @param max the highest
 * @param median the middle one
 * @param medianDeviation the median distance from the median
 * @param quantiles evenly spaced from the lowest to the highest
 */
@JsonIgnoreProperties(ignoreUnknown = true)
public record ScoreStatistics(
    @JsonProperty("count") long count,
    @JsonProperty("mean") double mean,
    @JsonProperty("standard_deviation") double standardDeviation,
    @JsonProperty("min") double min,
    @JsonProperty("max") double max,
    @JsonProperty("median") double median,
    @JsonProperty("median_deviation") double medianDeviation,
    @JsonProperty("quantiles") double[] quantiles)
    implements Serializable {

  /** Most quantiles that are kept: all scores where there are no more of them. */
  public static final int MAXIMUM_QUANTILES = 1001;

  static ScoreStatistics of(Moments moments, double[] quantiles) {
    double median = quantile(quantiles, 0.5);
    double[] distances = new double[quantiles.length];
    for (int i = 0; i < distances.length; i++) {
      distances[i] = Math.abs(quantiles[i] - median);
    }
    Arrays.sort(distances);
    return new ScoreStatistics(
        moments.count(),
        moments.mean(),
        moments.standardDeviation(),
        moments.min(),
        moments.max(),
        median,
        quantile(distances, 0.5),
        quantiles);
  }

  /** Whether all scores are the same. */
  public boolean constant() {
    return min == max;
  }

  /**
   * The score below which a share of scores is, on a line between those nearest (definition 7 of
   * Hyndman and Fan, American Statistician 1996).
   */
  public double quantile(double share) {
    return quantile(quantiles, share);
  }

  private static double quantile(double[] sorted, double share) {
    if (sorted.length == 0) {
      return 0;
    }
    double place = share * (sorted.length - 1);
    int below = (int) Math.floor(place);
    int above = Math.min(below + 1, sorted.length - 1);
    return sorted[below] + (place - below) * (sorted[above] - sorted[below]);
  }

  /** The share of scores below one, from 0 for the lowest to 1; in the middle of those alike. */
  public double rank(double score) {
    int last = quantiles.length - 1;
    if (last <= 0) {
      return 0.5;
    }
    int below = lowerBound(score);
    int notAbove = below;
    if (below <= last && quantiles[below] == score) {
      notAbove = lowerBound(Math.nextUp(score));
      return (below + notAbove - 1) / 2.0 / last;
    }
    if (below == 0) {
      return 0;
    }
    if (below > last) {
      return 1;
    }
    double step = quantiles[below] - quantiles[below - 1];
    return (below - 1 + (score - quantiles[below - 1]) / step) / last;
  }

  /** How many quantiles are below a score. */
  private int lowerBound(double score) {
    int low = 0;
    int high = quantiles.length;
    while (low < high) {
      int middle = (low + high) >>> 1;
      if (quantiles[middle] < score) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  /** The mean distance from the median, by the quantiles. */
  double meanDeviation() {
    double sum = 0;
    for (double quantile : quantiles) {
      sum += Math.abs(quantile - median);
    }
    return quantiles.length == 0 ? 0 : sum / quantiles.length;
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ScoreStatistics that
        && count == that.count
        && mean == that.mean
        && standardDeviation == that.standardDeviation
        && min == that.min
        && max == that.max
        && median == that.median
        && medianDeviation == that.medianDeviation
        && Arrays.equals(quantiles, that.quantiles);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(quantiles) + Long.hashCode(count);
  }

  @Override
  public String toString() {
    return "%d scores, mean %s, standard deviation %s, from %s to %s, median %s ± %s"
        .formatted(count, mean, standardDeviation, min, max, median, medianDeviation);
  }
}
