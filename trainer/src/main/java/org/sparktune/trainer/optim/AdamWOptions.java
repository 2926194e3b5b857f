package org.sparktune.trainer.optim;

import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.trainer.engine.VectorOperators;

/**
 * AdamW's hyperparameters (Loshchilov and Hutter 2019).
 *
 * @param beta1 decay of the first moment
 * @param beta2 decay of the second moment
 * @param epsilon added to the root of the second moment
 * @param weightDecay decoupled decay, multiplied by the learning rate
 */
public record AdamWOptions(double beta1, double beta2, double epsilon, double weightDecay)
    implements OptimizerOptions {

  /** PyTorch's defaults but for the decay, which is off as in transformers' {@code Trainer}. */
  public static final AdamWOptions DEFAULTS = new AdamWOptions(0.9, 0.999, 1e-8, 0.0);

  /** Checks the values. */
  public AdamWOptions {
    Problems problems = new Problems();
    problems.require(
        beta1 >= 0 && beta1 < 1, "adam_beta1 must be in [0, 1), not %s".formatted(beta1));
    problems.require(
        beta2 >= 0 && beta2 < 1, "adam_beta2 must be in [0, 1), not %s".formatted(beta2));
    problems.require(epsilon > 0, "adam_epsilon must be positive, not %s".formatted(epsilon));
    problems.require(
        weightDecay >= 0, "weight_decay must not be negative, it is %s".formatted(weightDecay));
    problems.throwIfAny();
  }

  @Override
  public Optimizer create(
      ParameterLayout layout, Ownership ownership, VectorOperators vectors, int threads) {
    return new AdamW(layout, ownership, this, vectors);
  }

  @Override
  public int statePerParameter() {
    return 2;
  }

  @Override
  public SortedMap<String, String> identity() {
    SortedMap<String, String> identity = new TreeMap<>();
    identity.put("adam_beta1", Double.toString(beta1));
    identity.put("adam_beta2", Double.toString(beta2));
    identity.put("adam_epsilon", Double.toString(epsilon));
    identity.put("weight_decay", Double.toString(weightDecay));
    return identity;
  }
}
