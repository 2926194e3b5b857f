package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * A matrix whose form for products is made anew for each of them: one that stays in few bits, or
 * one that training changes and that there is no memory to keep twice.
 *
 * @param quantized with all its tensors on the device; null for a trained matrix
 * @param source the F32 matrix that training changes; null for a quantized one
 */
record LazyWeight(QuantizedMatrix quantized, Tensor source) implements Weight {
  @Override
  public long out() {
    return source != null ? source.rows() : quantized.rows();
  }

  @Override
  public long in() {
    return source != null ? source.columns() : quantized.columns();
  }
}
