package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Products of so few rows that their matrix is read once, row by row, at the speed of memory. One
 * in few bits is decoded piece by piece and stays in the cache.
 */
final class MatrixVectors {
  private static final int MOST_ROWS = 4;

  private static final int OUTPUTS = 128;

  private final Rows rows;

  MatrixVectors(Rows rows) {
    this.rows = rows;
  }

  /** Whether a product is of this kind. */
  boolean suit(Tensor x, CpuWeight weight) {
    return x.rows() <= MOST_ROWS && x.type() == DType.F32 && !(weight instanceof PackedWeight);
  }

  /** y = x·Wᵀ (+ bias) (+ y). */
  void multiply(Tensor x, CpuWeight weight, Tensor bias, Tensor y, boolean accumulate) {
    int in = Math.toIntExact(weight.in());
    rows.runInPieces(
        Math.toIntExact(weight.out()),
        OUTPUTS,
        (piece, from, to, worker) -> {
          Tensor matrix = rows(weight, from, to, worker);
          long offset = (long) from * Float.BYTES;
          for (int row = 0; row < x.rows(); row++) {
            worker
                .kernels()
                .dots()
                .matrixVector(
                    x.rowAddress(row),
                    matrix.address(),
                    weight.bf16(),
                    matrix.rowStride(),
                    in,
                    to - from,
                    bias == null ? 0 : bias.address() + offset,
                    y.rowAddress(row) + offset,
                    accumulate);
          }
        });
  }

  private static Tensor rows(CpuWeight weight, int from, int to, Worker worker) {
    if (!(weight instanceof QuantizedWeight quantized)) {
      return ((PlainWeight) weight).operand().rows(from, to);
    }
    DType type = weight.bf16() ? DType.BF16 : DType.F32;
    long address = worker.scratch((to - from) * weight.in() * type.bytes());
    Tensor decoded = Tensor.at(type, address, to - from, weight.in());
    quantized.matrix().decode(from, decoded);
    return decoded;
  }
}
