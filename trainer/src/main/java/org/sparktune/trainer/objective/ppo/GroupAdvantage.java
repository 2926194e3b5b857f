package org.sparktune.trainer.objective.ppo;

import java.util.Arrays;

/** Advantages of several responses to one prompt, measured against each other: no critic. */
public enum GroupAdvantage {
  /** {@code (score - mean) / (std + 1e-4)} (GRPO: Shao et al. 2024). */
  GRPO {
    @Override
    public float[] of(float[] scores) {
      double mean = mean(scores);
      double squares = 0;
      for (float score : scores) {
        squares += (score - mean) * (score - mean);
      }
      double deviation = scores.length < 2 ? 0 : Math.sqrt(squares / (scores.length - 1));
      float[] advantages = new float[scores.length];
      for (int i = 0; i < scores.length; i++) {
        advantages[i] = (float) ((scores[i] - mean) / (deviation + EPSILON));
      }
      return advantages;
    }
  },
  /** {@code score - mean} (Liu et al. 2025): long and hard prompts weigh no more than others. */
  CENTRED {
    @Override
    public float[] of(float[] scores) {
      double mean = mean(scores);
      float[] advantages = new float[scores.length];
      for (int i = 0; i < scores.length; i++) {
        advantages[i] = (float) (scores[i] - mean);
      }
      return advantages;
    }
  },
  /** {@code score - mean of the others} (RLOO: Ahmadian et al. 2024). */
  RLOO {
    @Override
    public float[] of(float[] scores) {
      float[] advantages = CENTRED.of(scores);
      double factor = scores.length < 2 ? 0 : scores.length / (scores.length - 1.0);
      for (int i = 0; i < scores.length; i++) {
        advantages[i] = (float) (advantages[i] * factor);
      }
      return advantages;
    }
  };

  private static final double EPSILON = 1e-4;

  /**
   * The advantages of one group.
   *
   * @param scores of the responses to one prompt
   * @return one for each response, to be given to all of its tokens; 0 when all scores are equal
   */
  public abstract float[] of(float[] scores);

  /**
   * The advantages of several groups of equal size, laid out over tokens.
   *
   * @param scores S, the responses to a prompt next to each other
   * @param group responses to a prompt
   * @return T
   */
  public float[] over(Responses responses, float[] scores, int group) {
    responses.requireResponses("scores", scores);
    if (group < 1 || scores.length % group != 0) {
      throw new IllegalArgumentException(
          "%d responses are no whole number of groups of %d".formatted(scores.length, group));
    }
    float[] advantages = new float[responses.tokens()];
    for (int first = 0; first < scores.length; first += group) {
      float[] each = of(Arrays.copyOfRange(scores, first, first + group));
      for (int i = 0; i < group; i++) {
        int response = first + i;
        Arrays.fill(
            advantages, responses.starts()[response], responses.starts()[response + 1], each[i]);
      }
    }
    return advantages;
  }

  private static double mean(float[] scores) {
    double sum = 0;
    for (float score : scores) {
      sum += score;
    }
    return scores.length == 0 ? 0 : sum / scores.length;
  }
}
