package org.sparktune.trainer.model;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What is different for the modules that a pattern names.
 *
 * @param match a module name, its end, or a regular expression for one
 * @param freeze whether nothing of the module is trained
 * @param rank the LoRA rank, or 0 to leave it
 */
public record LayerPolicy(String match, boolean freeze, int rank) {

  /** Checks the rank. */
  public LayerPolicy {
    if (rank < 0) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The layer policy for \"%s\" has rank %d.".formatted(match, rank),
          "Give a positive rank, or leave it out.");
    }
  }

  /**
   * Whether a module is meant: the pattern names it, or a module that contains it ({@code
   * model.layers.0} contains {@code model.layers.0.mlp.up_proj}).
   */
  boolean applies(String module) {
    return ModulePattern.matches("(?:" + match + ")(?:\\..*)?", module);
  }
}
