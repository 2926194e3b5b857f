package org.sparktune.trainer.rollout;

import java.util.Arrays;
import org.sparktune.trainer.model.RolloutLabels;
import org.sparktune.trainer.objective.ppo.GeneralizedAdvantage;
import org.sparktune.trainer.objective.ppo.GroupAdvantage;
import org.sparktune.trainer.objective.ppo.TokenRewards;

/**
 * How much better the responses to a micro-batch of prompts were than expected: by a critic, or by
 * comparison with each other.
 */
final class Advantages {
  private final RolloutOptions options;
  private final float[] scores;
  private final double coefficient;

  /** {@code (S)}, each to be given to all tokens of its response; null with a critic. */
  private final float[] ofResponses;

  /**
   * @param scores {@code (S)}, a prompt's responses next to each other
   * @param divergences {@code (S)}, from the reference
   * @param coefficient of the divergence
   */
  Advantages(RolloutOptions options, float[] scores, double[] divergences, double coefficient) {
    this.options = options;
    this.scores = scores;
    this.coefficient = coefficient;
    this.ofResponses =
        switch (options.algorithm()) {
          case PPO -> null;
          case GRPO -> compared(scores, GroupAdvantage.GRPO);
          case RLOO -> compared(punished(scores, divergences, coefficient), GroupAdvantage.RLOO);
        };
  }

  private static float[] punished(float[] scores, double[] divergences, double coefficient) {
    float[] punished = new float[scores.length];
    for (int i = 0; i < scores.length; i++) {
      punished[i] = (float) (scores[i] - coefficient * divergences[i]);
    }
    return punished;
  }

  private float[] compared(float[] rewards, GroupAdvantage advantage) {
    float[] compared = new float[rewards.length];
    int group = options.groupSize();
    for (int first = 0; first < rewards.length; first += group) {
      float[] each = advantage.of(Arrays.copyOfRange(rewards, first, first + group));
      System.arraycopy(each, 0, compared, first, group);
    }
    return compared;
  }

  /** What is to be learnt from a minibatch of the responses. */
  RolloutLabels labels(ScoredResponses minibatch) {
    return ofResponses == null ? byCritic(minibatch) : byComparison(minibatch);
  }

  private RolloutLabels byCritic(ScoredResponses minibatch) {
    RolloutOptions.Critic critic = options.critic();
    int first = minibatch.first();
    float[] ownScores = Arrays.copyOfRange(scores, first, first + minibatch.responses().size());
    float[] rewards =
        new TokenRewards(options.divergence().estimator())
            .of(
                minibatch.axis(),
                ownScores,
                minibatch.logProbs(),
                minibatch.reference(),
                coefficient);
    GeneralizedAdvantage.Estimate estimate =
        critic.advantage().of(minibatch.axis(), rewards, minibatch.targets());
    return new RolloutLabels(
        minibatch.logProbs(),
        minibatch.reference(),
        estimate.advantages(),
        minibatch.values(),
        estimate.returns(),
        0);
  }

  private RolloutLabels byComparison(ScoredResponses minibatch) {
    float[] advantages = new float[minibatch.logProbs().length];
    int[] starts = minibatch.axis().starts();
    for (int i = 0; i + 1 < starts.length; i++) {
      Arrays.fill(advantages, starts[i], starts[i + 1], ofResponses[minibatch.first() + i]);
    }
    boolean inLoss = options.algorithm() == RolloutOptions.Algorithm.GRPO;
    return new RolloutLabels(
        minibatch.logProbs(),
        minibatch.reference(),
        advantages,
        new float[0],
        new float[0],
        inLoss ? coefficient : 0);
  }
}
