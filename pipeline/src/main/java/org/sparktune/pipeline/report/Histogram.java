package org.sparktune.pipeline.report;

import java.io.Serializable;

/**
 * Counts of numbers in bins of equal width, for any range of numbers. The width is a power of two
 * and doubles where a number lies outside, neighbours becoming one: so what comes out depends on
 * the numbers and neither on their order nor on how they were divided among histograms.
 */
public final class Histogram implements Serializable {
  private static final long serialVersionUID = 1L;

  private static final int BINS = 128;
  private static final double SMALLEST_WIDTH = 0x1.0p-10;

  private final long[] counts = new long[BINS];
  private double width = SMALLEST_WIDTH;
  private long total;

  /** Adds a number; what is no finite number is passed over. */
  public void add(double value) {
    if (!Double.isFinite(value)) {
      return;
    }
    while (!holds(value)) {
      widen();
    }
    counts[bin(value)]++;
    total++;
  }

  /** Adds all numbers of another. */
  public void merge(Histogram other) {
    while (width < other.width) {
      widen();
    }
    int shift = 0;
    for (double w = other.width; w < width; w *= 2) {
      shift++;
    }
    for (int i = 0; i < BINS; i++) {
      counts[((i - BINS / 2) >> shift) + BINS / 2] += other.counts[i];
    }
    total += other.total;
  }

  private boolean holds(double value) {
    double limit = width * (BINS / 2.0);
    return value >= -limit && value < limit;
  }

  private int bin(double value) {
    return (int) Math.floor(value / width) + BINS / 2;
  }

  private void widen() {
    long[] before = counts.clone();
    java.util.Arrays.fill(counts, 0);
    for (int i = 0; i < BINS; i++) {
      // Shifts round down, so that bins below zero join as those above do.
      counts[((i - BINS / 2) >> 1) + BINS / 2] += before[i];
    }
    width *= 2;
  }

  /** How many numbers there are. */
  public long total() {
    return total;
  }

  /** The width of a bin. */
  public double width() {
    return width;
  }

  /** Bins. */
  public int bins() {
    return BINS;
  }

  /** Numbers in a bin. */
  public long count(int bin) {
    return counts[bin];
  }

  /** The lowest number that a bin may hold. */
  public double low(int bin) {
    return (bin - BINS / 2) * width;
  }

  /** The first bin with a number in it; {@link #bins} if there is none. */
  public int first() {
    int bin = 0;
    while (bin < BINS && counts[bin] == 0) {
      bin++;
    }
    return bin;
  }

  /** The last bin with a number in it; -1 if there is none. */
  public int last() {
    int bin = BINS - 1;
    while (bin >= 0 && counts[bin] == 0) {
      bin--;
    }
    return bin;
  }
}
