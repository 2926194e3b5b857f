package org.sparktune.pipeline.spec;

import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.PairOptions.Balance;
import org.sparktune.pipeline.spec.PairOptions.Rating;
import org.sparktune.pipeline.spec.PairOptions.Strategy;
import org.sparktune.pipeline.spec.RewardOptions.By;
import org.sparktune.pipeline.spec.RewardOptions.Method;

/** Reads what is done with the scores of a dataset's records: {@code rewards} and {@code pairs}. */
final class RewardReader {
  private static final int MOST_PAIRS = 64;

  private RewardReader() {}

  /** The kind that is written, or the one that the other options make sense for. */
  static Kind kind(MappingReader dataset) {
    Kind implied =
        dataset.has("pairs") ? Kind.PREFERENCE : dataset.has("rewards") ? Kind.REWARD : Kind.SFT;
    Kind kind = dataset.word("kind", implied);
    if (dataset.has("pairs") && kind != Kind.PREFERENCE) {
      dataset.problem(
          "pairs",
          "'pairs' means nothing to a dataset of kind %s.".formatted(kind.word()),
          "Write kind: preference, or remove 'pairs'.");
    } else if (dataset.has("rewards") && kind != Kind.REWARD && !dataset.has("pairs")) {
      dataset.problem(
          "rewards",
          "'rewards' means nothing to a dataset of kind %s without 'pairs'.".formatted(kind.word()),
          "Write kind: reward, add 'pairs', or remove 'rewards'.");
    }
    return kind;
  }

  /** The group {@code rewards} of a dataset. */
  static RewardOptions rewards(MappingReader dataset) {
    if (!dataset.has("rewards")) {
      return RewardOptions.NONE;
    }
    MappingReader reader = dataset.mappingOrEmpty("rewards");
    Method method = reader.word("normalize", Method.Z_SCORE);
    double[] range = interval(reader, "range", -1, 1, Range.ANY);
    double[] quantiles =
        interval(
            reader,
            "quantiles",
            RewardOptions.DEFAULT_LOW_QUANTILE,
            RewardOptions.DEFAULT_HIGH_QUANTILE,
            Range.UNIT);
    if (reader.has("quantiles") && method != Method.QUANTILE) {
      reader.problem(
          "quantiles",
          "'quantiles' means nothing to the method '%s'.".formatted(method.word()),
          "Write normalize: quantile, or remove it.");
    }
    RewardOptions options =
        new RewardOptions(
            method,
            reader.word("by", By.SOURCE),
            range[0],
            range[1],
            quantiles[0],
            quantiles[1],
            reader.inputPath("statistics"));
    reader.finish();
    return options;
  }

  private static double[] interval(
      MappingReader reader, String key, double low, double high, Range range) {
    double[] bounds = reader.decimals(key, new double[] {low, high}, range);
    if (bounds.length != 2 || bounds[0] >= bounds[1]) {
      reader.problem(
          key,
          "'%s' is not a lower and a higher number.".formatted(key),
          "Write two, such as [%s, %s].".formatted(low, high));
      return new double[] {low, high};
    }
    return bounds;
  }

  /** The group {@code pairs} of a dataset. */
  static PairOptions pairs(MappingReader dataset) {
    if (!dataset.has("pairs")) {
      return PairOptions.NONE;
    }
    MappingReader reader = dataset.mappingOrEmpty("pairs");
    Strategy strategy = reader.word("strategy", Strategy.BEST_WORST);
    boolean single = strategy == Strategy.BEST_WORST;
    if (single && reader.has("max_pairs")) {
      reader.problem(
          "max_pairs",
          "'max_pairs' means nothing to the strategy 'best_worst', which makes one pair a prompt.",
          "Remove it, or write strategy: top_k.");
    }
    if (reader.has("temperature") && strategy != Strategy.TEMPERATURE) {
      reader.problem(
          "temperature",
          "'temperature' means nothing to the strategy '%s'.".formatted(strategy.word()),
          "Write strategy: temperature, or remove it.");
    }
    if (strategy == Strategy.MARGIN) {
      reader.require("min_margin");
    }
    int most = single ? 1 : PairOptions.DEFAULT_MAX_PAIRS;
    PairOptions options =
        new PairOptions(
            strategy,
            (int) reader.integer("max_pairs", most, 1, MOST_PAIRS),
            reader.decimal("min_margin", 0, Range.NOT_NEGATIVE),
            reader.decimal("temperature", 1, Range.POSITIVE),
            reader.word("rating", Rating.BRADLEY_TERRY),
            reader.words("balance", Balance.class));
    reader.finish();
    return options;
  }
}
