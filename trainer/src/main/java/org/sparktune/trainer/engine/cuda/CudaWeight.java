package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

/**
 * A matrix in the type that products take.
 *
 * @param operand {@code (out, in)}
 * @param source the F32 matrix that training changes and the operand is made of; null when frozen
 * @param extended {@code (out + 64, in + 64)} with the operand as its first rows and columns and
 *     room for {@link Factors} behind them; null without room
 */
record CudaWeight(Tensor operand, Tensor source, Tensor extended) implements Weight {
  @Override
  public long out() {
    return operand.rows();
  }

  @Override
  public long in() {
    return operand.columns();
  }
}
