package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Collects everything that is wrong with a group of options and reports it at once. */
public final class Problems {
  private final List<String> found = new ArrayList<>();

  /**
   * Notes a problem unless the condition holds.
   *
   * @param condition what must be true; write it so that NaN fails it
   * @param message names the option and its value
   */
  public void require(boolean condition, String message) {
    if (!condition) {
      found.add(message);
    }
  }

  /** Throws {@link ErrorCode#INVALID_SPEC} with all problems, if there are any. */
  public void throwIfAny() {
    if (!found.isEmpty()) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          String.join("; ", found) + ".",
          "Correct the task's hyperparams.");
    }
  }
}
