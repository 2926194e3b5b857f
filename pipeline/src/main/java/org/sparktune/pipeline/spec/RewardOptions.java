package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Locale;

/**
 * What becomes of the scores of records.
 *
 * @param method how they are made comparable
 * @param by which records are compared with each other
 * @param low the lowest normalized score
 * @param high the highest normalized score
 * @param lowQuantile the share of scores below what {@link Method#QUANTILE} puts at {@code low}
 * @param highQuantile the share of scores below what {@link Method#QUANTILE} puts at {@code high}
 * @param statistics a dataset whose statistics are applied instead of those of these records; null
 *     where there is none
 */
public record RewardOptions(
    Method method,
    By by,
    double low,
    double high,
    double lowQuantile,
    double highQuantile,
    String statistics)
    implements Serializable {
  /** Where nothing else is asked for. */
  public static final double DEFAULT_LOW_QUANTILE = 0.01;

  /** Where nothing else is asked for. */
  public static final double DEFAULT_HIGH_QUANTILE = 0.99;

  /** Scores stay as they are. */
  public static final RewardOptions NONE = of(Method.NONE, By.SOURCE);

  /** Options with the usual range, from -1 to 1. */
  public static RewardOptions of(Method method, By by) {
    return new RewardOptions(method, by, -1, 1, DEFAULT_LOW_QUANTILE, DEFAULT_HIGH_QUANTILE, null);
  }

  /** The same with the statistics of an earlier dataset. */
  public RewardOptions withStatistics(String folder) {
    return new RewardOptions(method, by, low, high, lowQuantile, highQuantile, folder);
  }

  /** Whether scores are changed. */
  public boolean active() {
    return method != Method.NONE;
  }

  /** How scores are made comparable. Whatever leaves the range is clipped to it. */
  public enum Method {
    /** Not at all. */
    NONE,
    /** Distance from the mean, in standard deviations. */
    Z_SCORE,
    /** The range from the lowest to the highest score becomes that asked for. */
    MIN_MAX,
    /** The share of scores below, over the range asked for; those alike are between. */
    RANK,
    /** Distance from the median, in scaled median absolute deviations. */
    ROBUST,
    /** The range between two quantiles becomes that asked for. */
    QUANTILE;

    /** The word in specifications and manifests. */
    public String word() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Which records are compared with each other. */
  public enum By {
    /** All. */
    ALL,
    /** Those of a source. */
    SOURCE,
    /** Those with the same value of the column {@code group}. */
    GROUP
  }
}
