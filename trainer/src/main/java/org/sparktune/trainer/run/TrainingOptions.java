package org.sparktune.trainer.run;

import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.optim.OptimizerOptions;
import org.sparktune.trainer.optim.Problems;

/**
 * Everything the training loop can be told; {@code hyperparams} of a training task in {@code
 * docs/formats.md}.
 *
 * @param epochs passes over the training split; used when {@code maxSteps} is 0
 * @param maxSteps optimizer steps, or 0
 * @param batchSize rows of a micro-batch
 * @param gradientAccumulationSteps micro-batches of an optimizer step; an epoch's last step may
 *     have fewer
 * @param maxGradNorm the gradient's global norm is clipped to this; 0 for no clipping
 * @param seed of everything random in a step, such as dropout
 * @param schedule learning rate
 * @param optimizer AdamW or one of ND4J's updaters
 * @param cadence logging, evaluation, samples, checkpoints
 */
public record TrainingOptions(
    int epochs,
    long maxSteps,
    int batchSize,
    int gradientAccumulationSteps,
    double maxGradNorm,
    long seed,
    LearningRateSchedule schedule,
    OptimizerOptions optimizer,
    Cadence cadence) {

  /** The defaults of every hyperparameter of the loop. */
  public static final TrainingOptions DEFAULTS =
      new TrainingOptions(
          3,
          0,
          8,
          1,
          1.0,
          42,
          LearningRateSchedule.DEFAULTS,
          AdamWOptions.DEFAULTS,
          Cadence.DEFAULTS);

  /** Checks the values. */
  public TrainingOptions {
    Problems problems = new Problems();
    problems.require(maxSteps >= 0, "max_steps must not be negative, it is %d".formatted(maxSteps));
    problems.require(
        epochs >= 1 || maxSteps > 0,
        "epochs must be at least 1 without max_steps, not %d".formatted(epochs));
    problems.require(batchSize >= 1, "batch_size must be at least 1, not %d".formatted(batchSize));
    problems.require(
        gradientAccumulationSteps >= 1,
        "gradient_accumulation_steps must be at least 1, not %d"
            .formatted(gradientAccumulationSteps));
    problems.require(
        maxGradNorm >= 0, "max_grad_norm must not be negative, it is %s".formatted(maxGradNorm));
    problems.throwIfAny();
  }

  /** What ranks hold of a training with these options. */
  public MemoryEstimate.Sharing sharing(int ranks) {
    return new MemoryEstimate.Sharing(
        ranks, optimizer.statePerParameter(), GradientTree.partialSums(mostLeaves(ranks)));
  }

  /** The most micro-batches of a step that a rank computes. */
  int mostLeaves(int ranks) {
    int most = 0;
    for (int rank = 0; rank < ranks; rank++) {
      most = Math.max(most, Shard.ownLeaves(rank, ranks, gradientAccumulationSteps));
    }
    return most;
  }
}
