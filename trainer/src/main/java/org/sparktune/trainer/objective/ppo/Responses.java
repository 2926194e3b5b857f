package org.sparktune.trainer.objective.ppo;

/**
 * Responses laid end to end on one axis of T tokens; prompts are not on it.
 *
 * @param starts {@code (S + 1)} index of each response's first token, then T; no response is empty
 */
public record Responses(int[] starts) {

  /** Checks that the responses follow each other and have tokens. */
  public Responses {
    if (starts.length == 0 || starts[0] != 0) {
      throw new IllegalArgumentException("Responses do not begin at token 0");
    }
    for (int i = 1; i < starts.length; i++) {
      if (starts[i] <= starts[i - 1]) {
        throw new IllegalArgumentException("Response %d has no tokens".formatted(i - 1));
      }
    }
  }

  /** S. */
  public int count() {
    return starts.length - 1;
  }

  /** T. */
  public int tokens() {
    return starts[starts.length - 1];
  }

  void requireTokens(String what, float[] values) {
    if (values.length != tokens()) {
      throw new IllegalArgumentException(
          "%d %s for %d response tokens".formatted(values.length, what, tokens()));
    }
  }

  void requireResponses(String what, float[] values) {
    if (values.length != count()) {
      throw new IllegalArgumentException(
          "%d %s for %d responses".formatted(values.length, what, count()));
    }
  }
}
