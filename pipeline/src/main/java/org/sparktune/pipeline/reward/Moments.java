package org.sparktune.pipeline.reward;

import java.io.Serializable;

/**
 * Count, mean, variance and extremes of numbers, in one pass: Welford's update (Technometrics 1962)
 * and the merge of Chan, Golub and LeVeque (1979, "Updating formulae and a pairwise algorithm for
 * computing sample variances"), which do not cancel where the mean is large.
 */
public final class Moments implements Serializable {
  private static final long serialVersionUID = 1L;

  private long count;
  private double mean;
  private double squares;
  private double min = Double.POSITIVE_INFINITY;
  private double max = Double.NEGATIVE_INFINITY;

  /** Adds a number. */
  public void add(double value) {
    count++;
    double delta = value - mean;
    mean += delta / count;
    squares += delta * (value - mean);
    min = Math.min(min, value);
    max = Math.max(max, value);
  }

  /** Adds what others counted. */
  public void merge(Moments other) {
    if (other.count == 0) {
      return;
    }
    long total = count + other.count;
    double delta = other.mean - mean;
    mean += delta * other.count / total;
    squares += other.squares + delta * delta * ((double) count * other.count / total);
    min = Math.min(min, other.min);
    max = Math.max(max, other.max);
    count = total;
  }

  /** How many numbers there were. */
  public long count() {
    return count;
  }

  /** Their mean, 0 where there are none. */
  public double mean() {
    return mean;
  }

  /** The square root of their mean squared distance from the mean. */
  public double standardDeviation() {
    return count == 0 || min == max ? 0 : Math.sqrt(squares / count);
  }

  /** The lowest. */
  public double min() {
    return min;
  }

  /** The highest. */
  public double max() {
    return max;
  }
}
