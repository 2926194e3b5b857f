package org.sparktune.pipeline.reward;

import java.io.Serializable;
import org.sparktune.pipeline.spec.RewardOptions;

/**
 * Finds what a score is normalized by.
 *
 * @param options the method, and which records are compared
 * @param statistics of all groups; null where scores stay as they are
 */
public record RewardScale(RewardOptions options, RewardStatistics statistics)
    implements Serializable {

  /** The group that a record's score belongs to. */
  public static String group(RewardOptions options, String source, String group) {
    return switch (options.by()) {
      case ALL -> "";
      case SOURCE -> source;
      case GROUP -> group;
    };
  }

  /** The normalized score, within the range. */
  public double normalize(String source, String group, double score) {
    return options.active()
        ? new ScoreNormalizer(options).normalize(score, of(source, group))
        : score;
  }

  /** The normalized score before it is clipped: those outside of the range still differ. */
  public double scale(String source, String group, double score) {
    return options.active() ? new ScoreNormalizer(options).scale(score, of(source, group)) : score;
  }

  private ScoreStatistics of(String source, String group) {
    return statistics.of(group(options, source, group));
  }
}
