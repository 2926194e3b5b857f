package org.sparktune.trainer.rollout;

import java.util.List;
import java.util.Map;

/**
 * Rewards responses of a given length: the smaller of length and target as a share of the larger,
 * so that every step towards the target counts, from however far. Option {@code target}: tokens,
 * the ending one included.
 */
public final class LengthReward implements RewardFunction {
  private int target = 1;

  @Override
  public void configure(Map<String, String> options) {
    RewardOptions read = new RewardOptions(options, "target");
    target = read.positive("target");
  }

  @Override
  public double[] score(List<Completion> completions) {
    double[] scores = new double[completions.size()];
    for (int i = 0; i < scores.length; i++) {
      int tokens = completions.get(i).responseIds().length;
      scores[i] = (double) Math.min(tokens, target) / Math.max(tokens, target);
    }
    return scores;
  }
}
