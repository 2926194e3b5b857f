package org.sparktune.trainer.rollout;

import java.util.List;

/**
 * Responses to the prompts of a micro-batch and what they scored: what those who sample give to
 * those who learn.
 *
 * @param responses a prompt's next to each other
 * @param completions the same as text
 * @param scores {@code (S)}, of the reward function
 * @param opinions of each minibatch of the responses, where another copy of the policy sampled;
 *     empty where the learner asks its own
 * @param skippedPrompts that left no room for a response
 */
public record Rollout(
    List<Response> responses,
    List<Completion> completions,
    float[] scores,
    List<Opinion> opinions,
    long skippedPrompts) {

  /**
   * What the one that sampled says of a minibatch of M tokens.
   *
   * @param sampled {@code (M)}, log-probabilities of the policy that sampled
   * @param reference {@code (M)}, of the reference
   */
  record Opinion(float[] sampled, float[] reference) {}

  static Rollout none(long skippedPrompts) {
    return new Rollout(List.of(), List.of(), new float[0], List.of(), skippedPrompts);
  }
}
