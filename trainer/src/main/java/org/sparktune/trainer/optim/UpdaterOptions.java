package org.sparktune.trainer.optim;

import java.util.SortedMap;
import java.util.TreeMap;
import org.nd4j.linalg.learning.config.IUpdater;
import org.sparktune.trainer.engine.VectorOperators;

/**
 * One of ND4J's updaters as optimizer. Its own learning rate and schedule don't count: the run's
 * schedule sets the rate of every step.
 *
 * @param updater such as {@code Nadam}
 * @param weightDecay decoupled decay as AdamW has it, multiplied by the learning rate
 */
public record UpdaterOptions(IUpdater updater, double weightDecay) implements OptimizerOptions {

  /** Checks the values; copies the updater. */
  public UpdaterOptions {
    Problems problems = new Problems();
    problems.require(
        weightDecay >= 0, "weight_decay must not be negative, it is %s".formatted(weightDecay));
    problems.throwIfAny();
    updater = updater.clone();
  }

  @Override
  public Optimizer create(
      ParameterLayout layout, Ownership ownership, VectorOperators vectors, int threads) {
    return new UpdaterOptimizer(layout, ownership, this, vectors, threads);
  }

  @Override
  public int statePerParameter() {
    return (int) updater.stateSize(1);
  }

  @Override
  public SortedMap<String, String> identity() {
    SortedMap<String, String> identity = new TreeMap<>();
    identity.put("optimizer", updater.toString());
    identity.put("weight_decay", Double.toString(weightDecay));
    return identity;
  }
}
