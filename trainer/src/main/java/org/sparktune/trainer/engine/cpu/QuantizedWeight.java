package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * A frozen matrix in few bits, decoded for every product.
 *
 * @param matrix in the engine's memory
 * @param bf16 whether it is decoded to BF16 or to F32
 */
record QuantizedWeight(QuantizedMatrix matrix, boolean bf16) implements CpuWeight {
  @Override
  public long out() {
    return matrix.rows();
  }

  @Override
  public long in() {
    return matrix.columns();
  }
}
