package org.sparktune.trainer.run;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.FlatVectors;
import org.sparktune.trainer.optim.GradientClipping;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Trainable;

/**
 * One optimizer step: the gradients of its micro-batches, each scaled by one over the valid tokens
 * of the whole step, summed in the fixed tree, clipped, and given to AdamW.
 */
final class TrainingStep {
  private final Trainable<Batch> trainable;
  private final TrainingOptions options;
  private final AdamW optimizer;
  private final GradientTree tree;
  private final FlatVectors vectors;

  TrainingStep(
      Trainable<Batch> trainable,
      TrainingOptions options,
      AdamW optimizer,
      GradientTree tree,
      FlatVectors vectors) {
    this.trainable = trainable;
    this.options = options;
    this.optimizer = optimizer;
    this.tree = tree;
    this.vectors = vectors;
  }

  /**
   * What a step did.
   *
   * @param loss mean over the valid tokens, before the update
   * @param gradientNorm before clipping
   * @param tokens all tokens of the step
   */
  record Outcome(double loss, double gradientNorm, long tokens) {}

  /** A loss or a gradient is not a finite number; the parameters have not been touched. */
  static final class NotFiniteException extends Exception {
    private static final long serialVersionUID = 1L;

    private final String places;

    NotFiniteException(String message, List<MicroBatch> microBatches) {
      super(message);
      this.places = MicroBatch.places(microBatches);
    }

    /** The rows that led to it. */
    String places() {
      return places;
    }
  }

  /**
   * Makes a step.
   *
   * @param step steps already made
   */
  Outcome make(long step, List<MicroBatch> microBatches, double learningRate)
      throws NotFiniteException {
    long validTokens = 0;
    long tokens = 0;
    for (MicroBatch microBatch : microBatches) {
      validTokens += microBatch.batch().validTokens();
      tokens += microBatch.batch().tokens().length;
    }
    if (validTokens == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "No token of step %d carries loss: %s."
              .formatted(step + 1, MicroBatch.places(microBatches)),
          "Check the loss masks of the dataset.");
    }
    double loss = accumulate(step, microBatches, 1.0 / validTokens) / validTokens;
    Tensor gradients = trainable.gradients();
    double norm = Math.sqrt(vectors.squaredNorm(gradients));
    if (!Double.isFinite(norm)) {
      throw new NotFiniteException("the gradient's norm is " + norm, microBatches);
    }
    optimizer.step(
        trainable.parameters(),
        gradients,
        learningRate,
        GradientClipping.factor(options.maxGradNorm(), norm));
    trainable.parametersChanged();
    return new Outcome(loss, norm, tokens);
  }

  /** Leaves the step's gradient in the trainable's vector; returns the summed loss. */
  private double accumulate(long step, List<MicroBatch> microBatches, double lossScale)
      throws NotFiniteException {
    double[] losses = new double[microBatches.size()];
    tree.begin();
    for (int i = 0; i < losses.length; i++) {
      Batch batch = microBatches.get(i).batch();
      if (batch.validTokens() > 0) {
        trainable.reseed(Seeds.derive(options.seed(), step, i));
        losses[i] = trainable.accumulate(batch, lossScale).sum();
      }
      if (!Double.isFinite(losses[i])) {
        throw new NotFiniteException("the loss is " + losses[i], List.of(microBatches.get(i)));
      }
      if (i + 1 < losses.length) {
        tree.next();
      }
    }
    tree.finish();
    return GradientTree.sum(losses);
  }
}
