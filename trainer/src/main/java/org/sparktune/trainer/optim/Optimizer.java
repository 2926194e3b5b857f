package org.sparktune.trainer.optim;

import java.util.List;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.memory.Tensor;

/**
 * Turns gradients into new parameters, for the slices of the flat vectors that its rank owns. What
 * it computes for an element depends neither on the slices nor on the number of threads.
 */
public interface Optimizer extends AutoCloseable {

  /** What is owned. */
  Ownership ownership();

  /** Steps made. */
  long steps();

  /** Says that the state now holds what it held after this many steps. */
  void restore(long stepsMade);

  /** What it remembers of earlier steps, to be saved and to be filled in; F32. */
  List<ShardedVector> state();

  /** Bytes of that. */
  long stateBytes();

  /**
   * Begins the next step.
   *
   * @param learningRate this step's rate
   * @param gradientScale factor on the gradients, from {@link GradientClipping}
   */
  void begin(double learningRate, double gradientScale);

  /**
   * Updates what is owned of a bucket.
   *
   * @param bucket its index
   * @param parameters {@code (P)} F32, updated
   * @param gradients {@code (P)} F32, read
   */
  void update(int bucket, Tensor parameters, Tensor gradients);

  /** Makes a whole step. */
  default void step(
      Tensor parameters, Tensor gradients, double learningRate, double gradientScale) {
    begin(learningRate, gradientScale);
    for (int bucket = 0; bucket < ownership().slices().size(); bucket++) {
      update(bucket, parameters, gradients);
    }
  }

  @Override
  void close();
}
