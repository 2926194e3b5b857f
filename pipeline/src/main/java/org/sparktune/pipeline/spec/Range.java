package org.sparktune.pipeline.spec;

/** An interval of valid numbers. */
enum Range {
  /** Any number. */
  ANY("a number", -Double.MAX_VALUE, true, Double.MAX_VALUE, true),
  /** Above 0. */
  POSITIVE("above 0", 0, false, Double.MAX_VALUE, true),
  /** 0 or more. */
  NOT_NEGATIVE("at least 0", 0, true, Double.MAX_VALUE, true),
  /** 0 to 1, both included. */
  UNIT("from 0 to 1", 0, true, 1, true),
  /** Above 0, up to 1. */
  SHARE("above 0 and at most 1", 0, false, 1, true),
  /** 0 to 1, without 1. */
  BELOW_ONE("at least 0 and below 1", 0, true, 1, false);

  private final String words;
  private final double min;
  private final boolean minIncluded;
  private final double max;
  private final boolean maxIncluded;

  Range(String words, double min, boolean minIncluded, double max, boolean maxIncluded) {
    this.words = words;
    this.min = min;
    this.minIncluded = minIncluded;
    this.max = max;
    this.maxIncluded = maxIncluded;
  }

  boolean contains(double value) {
    return (value > min || (minIncluded && value == min))
        && (value < max || (maxIncluded && value == max));
  }

  String words() {
    return words;
  }
}
