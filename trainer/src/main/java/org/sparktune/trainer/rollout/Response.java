package org.sparktune.trainer.rollout;

/**
 * What a policy sampled.
 *
 * @param prompt what it continued
 * @param tokens at least one, the one that ended the response included
 * @param finished whether one did; otherwise the response ran into a limit
 */
record Response(Prompt prompt, int[] tokens, boolean finished) {

  /** Prompt and response tokens. */
  int length() {
    return prompt.ids().length + tokens.length;
  }
}
