package org.sparktune.trainer.optim;

import org.sparktune.trainer.memory.Tensor;

/**
 * Something that can be trained: a flat parameter vector, a flat gradient vector of the same
 * layout, and a step that adds to the gradient. Optimizers, clipping, collectives and checkpoints
 * know nothing else of a model.
 *
 * @param <B> what one forward and backward pass reads
 */
public interface Trainable<B> {

  /** Names, shapes and places of the trained parameters in the flat vectors. */
  ParameterLayout layout();

  /**
   * The trained parameters, {@code (P)}, F32. After writing to it call {@link
   * #parametersChanged()}.
   */
  Tensor parameters();

  /** The gradient, {@code (P)}, F32. {@link #accumulate} adds to it; the caller zeroes it. */
  Tensor gradients();

  /**
   * Tells the model that {@link #parameters()} was written, so that derived copies (bf16, packed)
   * are made anew.
   */
  void parametersChanged();

  /**
   * Called before every {@link #accumulate} with a value made of the run's seed, the step and the
   * micro-batch's index. Whatever is random in the pass (dropout) must follow from it alone: that
   * is what makes a resumed run, and a run on another number of executors, give the same bits.
   */
  default void reseed(long seed) {}

  /**
   * Runs forward and backward over one micro-batch and adds {@code lossScale · d(summed loss)} to
   * {@link #gradients()}.
   *
   * @param batch the micro-batch
   * @param lossScale 1 / (valid tokens of the whole optimizer step), so that the step's gradient is
   *     that of the mean loss
   * @return the unscaled summed loss and how many tokens carried it
   */
  LossSum accumulate(B batch, double lossScale);

  /**
   * As {@link #accumulate(Object, double)}, telling which part of the gradient is complete while
   * the pass is still under way. The listener may read and write that part. Without an override it
   * is only told in the end.
   */
  default LossSum accumulate(B batch, double lossScale, GradientListener listener) {
    LossSum sum = accumulate(batch, lossScale);
    listener.completedFrom(0);
    return sum;
  }

  /** Runs forward only; the loss as {@link #accumulate} would return it. */
  LossSum evaluate(B batch);

  /**
   * A summed loss.
   *
   * @param sum the loss summed over the tokens that carry it
   * @param tokens how many carry it
   */
  record LossSum(double sum, long tokens) {}
}
