package org.sparktune.trainer.rollout;

import java.util.List;
import java.util.Map;

/**
 * Rewards responses of a given length: 1 at the target, falling linearly to 0 at twice the target
 * or no tokens at all, and never below 0. Option {@code target}: tokens, the ending one included.
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
      double distance = Math.abs(completions.get(i).tokens() - target);
      scores[i] = Math.max(0, 1 - distance / target);
    }
    return scores;
  }
}
