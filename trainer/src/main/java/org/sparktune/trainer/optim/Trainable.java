package org.sparktune.trainer.optim;

import java.util.List;
import org.sparktune.trainer.engine.VectorOperators;
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
   * The trained parameters, {@code (P)}, F32, in memory of {@link #vectors()}. After writing to it
   * call {@link #parametersChanged()}.
   */
  Tensor parameters();

  /** The gradient, {@code (P)}, F32. {@link #accumulate} adds to it; the caller zeroes it. */
  Tensor gradients();

  /**
   * What works on both vectors where they are: training does all its arithmetic through it. The
   * host reaches neither of them when they are in a device's memory.
   */
  VectorOperators vectors();

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
   * How much a micro-batch weighs in the mean that is a step's loss: its tokens that carry loss,
   * its pairs of completions, whatever the objective averages over. 0 lets it be passed over.
   */
  long weight(B batch);

  /** The names of the figures that {@link LossSum#figures()} has beside the loss. */
  default List<String> figures() {
    return List.of();
  }

  /** Whether the mean loss is a negative log-likelihood of tokens, so that it has a perplexity. */
  default boolean isLogLikelihood() {
    return false;
  }

  /**
   * Runs forward and backward over one micro-batch and adds {@code lossScale · d(summed loss)} to
   * {@link #gradients()}.
   *
   * @param batch the micro-batch
   * @param lossScale 1 / ({@link #weight} of the whole optimizer step), so that the step's gradient
   *     is that of the mean loss
   * @return the unscaled summed loss and what it was summed over
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
   * @param sum the loss summed over whatever it is averaged over
   * @param weight how many those are: {@link Trainable#weight}
   * @param figures as {@link Trainable#figures} names them, summed like the loss
   */
  record LossSum(double sum, long weight, List<Double> figures) {
    /** A loss without other figures. */
    public LossSum(double sum, long weight) {
      this(sum, weight, List.of());
    }
  }
}
