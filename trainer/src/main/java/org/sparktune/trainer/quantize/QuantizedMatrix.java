package org.sparktune.trainer.quantize;

import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/** A frozen matrix in few bits, in host memory. */
public sealed interface QuantizedMatrix permits BlockMatrix, Fp8Matrix, Nf4Matrix, StackedMatrix {
  /** Output features. */
  long rows();

  /** Input features. */
  long columns();

  /** What it holds. */
  long bytes();

  /**
   * Decodes some rows. Several threads may do so at once.
   *
   * @param first the first of them
   * @param destination {@code (rows, columns)} F32 or BF16 (rounded to nearest even), contiguous
   */
  void decode(long first, Tensor destination);

  /** The same in memory of an arena. */
  QuantizedMatrix copy(TensorArena arena);
}
