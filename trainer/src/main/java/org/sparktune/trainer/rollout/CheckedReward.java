package org.sparktune.trainer.rollout;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** A reward function of which nothing bad gets into a training unnoticed. */
public final class CheckedReward {
  private final RewardFunction function;

  /** Checks what a function returns. */
  public CheckedReward(RewardFunction function) {
    this.function = function;
  }

  /**
   * Scores completions.
   *
   * @throws SparktuneException {@code BAD_DATA} when the function throws, returns another number of
   *     scores, or one that is not finite
   */
  public float[] score(List<Completion> completions) {
    double[] scores;
    try {
      // Several sample at the same time where sampling is apart from training.
      synchronized (function) {
        scores = function.score(completions);
      }
    } catch (SparktuneException e) {
      throw e;
    } catch (RuntimeException | LinkageError e) {
      throw problem("failed: " + (e.getMessage() == null ? e : e.getMessage()), e);
    }
    if (scores == null || scores.length != completions.size()) {
      throw problem(
          "returned %s for %d completions"
              .formatted(scores == null ? "null" : scores.length + " scores", completions.size()),
          null);
    }
    float[] checked = new float[scores.length];
    for (int i = 0; i < checked.length; i++) {
      checked[i] = (float) scores[i];
      if (!Float.isFinite(checked[i])) {
        throw problem(
            "returned %s for the response \"%s\""
                .formatted(scores[i], completions.get(i).response()),
            null);
      }
    }
    return checked;
  }

  private SparktuneException problem(String what, Throwable cause) {
    return new SparktuneException(
        ErrorCode.BAD_DATA,
        "The reward function %s %s.".formatted(function.getClass().getName(), what),
        "Correct the function; the run goes on from its last checkpoint.",
        cause);
  }
}
