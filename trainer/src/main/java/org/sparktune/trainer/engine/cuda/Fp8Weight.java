package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

/**
 * A frozen matrix in E4M3, once for each direction of products.
 *
 * @param codes {@code (out, in)} I8, contiguous
 * @param transposed {@code (in, out)} I8, contiguous: the same codes
 * @param scales {@code (out)} F32 of the rows of codes
 * @param ones {@code (in)} F32: the scales of the rows of the transposed codes, whose columns'
 *     scales are multiplied into the other operand
 */
record Fp8Weight(Tensor codes, Tensor transposed, Tensor scales, Tensor ones) implements Weight {
  @Override
  public long out() {
    return codes.rows();
  }

  @Override
  public long in() {
    return codes.columns();
  }
}
