package org.sparktune.trainer.optim;

import java.util.SortedMap;

/** Which optimizer trains, with its hyperparameters. */
public sealed interface OptimizerOptions permits AdamWOptions, UpdaterOptions {

  /** Makes the optimizer for what a rank owns. */
  Optimizer create(ParameterLayout layout, Ownership ownership, FlatVectors vectors);

  /** How many numbers it remembers for each parameter. */
  int statePerParameter();

  /** All that decides its results, by the names the specification uses. */
  SortedMap<String, String> identity();
}
