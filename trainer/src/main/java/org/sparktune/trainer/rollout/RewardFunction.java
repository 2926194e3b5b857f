package org.sparktune.trainer.rollout;

import java.util.List;
import java.util.Map;

/**
 * Says how good responses are: a rule that can be checked. A class of your own needs a public
 * constructor without parameters and a place on the classpath of the executors ({@code
 * SPARKTUNE_JARS} for the launcher); a specification names it with {@code reward: {function:
 * com.example.MyReward}}.
 *
 * <p>Equal completions must get equal scores, whatever else is in the list and however often it is
 * asked: only then does a run that was resumed, or that has another number of executors, end with
 * the same bits.
 */
public interface RewardFunction {

  /**
   * Told once, before anything is scored, what the specification says beside the name.
   *
   * @param options names to values as they are written; lists are joined with commas
   * @throws IllegalArgumentException when they make no sense, with a sentence that says why
   */
  default void configure(Map<String, String> options) {
    if (!options.isEmpty()) {
      throw new IllegalArgumentException("it has no options, but got " + options.keySet());
    }
  }

  /**
   * Scores completions.
   *
   * @param completions some responses of one step
   * @return a finite number for each, in their order; more is better
   */
  double[] score(List<Completion> completions);
}
