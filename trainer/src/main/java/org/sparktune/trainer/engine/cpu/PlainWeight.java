package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * A matrix as it lies.
 *
 * @param operand {@code (out, in)} F32 or BF16, contiguous; read as it lies for {@code dy·W},
 *     transposed for {@code x·Wᵀ}, so that one copy serves both directions
 * @param source the matrix that training changes, when it is not the operand itself; else null
 */
record PlainWeight(Tensor operand, Tensor source) implements CpuWeight {
  @Override
  public long out() {
    return operand.rows();
  }

  @Override
  public long in() {
    return operand.columns();
  }

  @Override
  public boolean bf16() {
    return operand.type() == DType.BF16;
  }
}
