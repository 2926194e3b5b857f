package org.sparktune.trainer.optim;

import java.util.SortedMap;
import org.sparktune.trainer.engine.VectorOperators;

/** Which optimizer trains, with its hyperparameters. */
public sealed interface OptimizerOptions permits AdamWOptions, UpdaterOptions {

  /**
   * Makes the optimizer for what a rank owns.
   *
   * @param vectors works on the parameters where they are
   * @param threads how many of the host's threads may work, if it is the host that does
   */
  Optimizer create(
      ParameterLayout layout, Ownership ownership, VectorOperators vectors, int threads);

  /** How many numbers it remembers for each parameter. */
  int statePerParameter();

  /** All that decides its results, by the names the specification uses. */
  SortedMap<String, String> identity();
}
