package org.sparktune.trainer.engine;

import java.util.List;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorMemory;

/**
 * What training does with flat vectors of parameters, gradients and moments, in the memory where
 * they live. What is computed for an element depends on nothing but its place. To be called from
 * one thread.
 */
public interface VectorOperators extends TensorMemory {

  /**
   * y += x.
   *
   * @param x any shape, F32 (an {@link Engine}'s activations: of its {@link Engine#activationType})
   * @param y as x
   */
  void add(Tensor x, Tensor y);

  /**
   * Adds the squares of a range of a vector's elements: each run of {@link Slices#ALIGNMENT}
   * elements, counted from the vector's beginning, is summed in double precision in some fixed
   * order, and those sums are added exactly, as {@link ExactSum} does. So the bits don't depend on
   * how the vector is cut into ranges. Returns when the sum is known.
   *
   * @param vector {@code (P)} F32
   * @param range begins at a multiple of {@link Slices#ALIGNMENT} and ends at one or at the
   *     vector's end
   * @param sum accumulates
   */
  void addSquares(Tensor vector, Range range, ExactSum sum);

  /** The sum of the squares of a vector's elements, as {@link #addSquares} adds them. */
  default double squaredNorm(Tensor vector) {
    ExactSum sum = new ExactSum();
    addSquares(vector, new Range(0, vector.size()), sum);
    return sum.value();
  }

  /**
   * An AdamW step's scalars, rounded to F32 where PyTorch's F32 tensors meet them.
   *
   * @param gradientScale factor on the gradient: clipping
   * @param decayFactor {@code 1 - learningRate·weightDecay}
   * @param firstWeight {@code 1 - beta1}
   * @param secondDecay {@code beta2}
   * @param secondWeight {@code 1 - beta2}
   * @param rootCorrection {@code √(1 - beta2^step)}
   * @param epsilon added to the corrected root
   * @param negativeStep {@code -learningRate / (1 - beta1^step)}
   */
  record AdamWStep(
      float gradientScale,
      float decayFactor,
      float firstWeight,
      float secondDecay,
      float secondWeight,
      float rootCorrection,
      float epsilon,
      float negativeStep) {}

  /**
   * Neighbouring elements that are treated alike.
   *
   * @param from first element in the parameter and gradient vectors
   * @param stateFrom first element in the moments' vectors
   * @param size how many
   * @param decayed whether the decay factor applies to them
   */
  record Stretch(long from, long stateFrom, long size, boolean decayed) {}

  /**
   * Updates some stretches of the parameters, every operation rounded by itself:
   *
   * <pre>
   *   g = gradient · gradientScale
   *   m = m + (g - m) · firstWeight
   *   v = v · secondDecay + g · secondWeight · g
   *   p = p · decayFactor + m · negativeStep / (√v / rootCorrection + epsilon)
   * </pre>
   *
   * @param stretches without overlaps; the same list again and again, so that an engine may keep
   *     what it made of it
   * @param parameters {@code (P)} F32, updated
   * @param gradients {@code (P)} F32, read
   * @param first moments, F32, updated
   * @param second moments, F32, updated
   */
  void adamW(
      AdamWStep step,
      List<Stretch> stretches,
      Tensor parameters,
      Tensor gradients,
      Tensor first,
      Tensor second);
}
