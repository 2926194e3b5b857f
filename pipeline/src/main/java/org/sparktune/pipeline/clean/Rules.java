package org.sparktune.pipeline.clean;

import java.util.Locale;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.CleanOptions.FilterSet;
import org.sparktune.pipeline.spec.FilterThreshold;

/** Compares what was measured with thresholds; each broken rule has a counter. */
final class Rules {
  private final CleanOptions options;

  Rules(CleanOptions options) {
    this.options = options;
  }

  double threshold(FilterThreshold threshold) {
    return options.threshold(threshold);
  }

  void atLeast(FilterThreshold threshold, double measured, Counters counters)
      throws RejectException {
    double least = options.threshold(threshold);
    if (measured < least) {
      throw broken(threshold, number(measured) + ", less than " + number(least), counters);
    }
  }

  void atMost(FilterThreshold threshold, double measured, Counters counters)
      throws RejectException {
    double most = options.threshold(threshold);
    if (measured > most) {
      throw broken(threshold, number(measured) + ", more than " + number(most), counters);
    }
  }

  private static RejectException broken(
      FilterThreshold threshold, String comparison, Counters counters) {
    return broken(
        threshold.set(), threshold.word(), threshold.word() + ": " + comparison, counters);
  }

  /** The refusal of a text that breaks a rule without a number. */
  static RejectException broken(FilterSet set, String rule, String detail, Counters counters) {
    counters.add("filtered." + set.name().toLowerCase(Locale.ROOT) + "." + rule, 1);
    return new RejectException(reason(set), detail);
  }

  private static RejectReason reason(FilterSet set) {
    return switch (set) {
      case GOPHER -> RejectReason.GOPHER;
      case C4 -> RejectReason.C4;
      case FINEWEB -> RejectReason.FINEWEB;
    };
  }

  private static String number(double value) {
    return value == Math.rint(value)
        ? String.valueOf((long) value)
        : String.format(Locale.ROOT, "%.3f", value);
  }
}
