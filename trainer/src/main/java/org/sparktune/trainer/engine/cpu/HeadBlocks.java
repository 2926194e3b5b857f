package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * The sizes and the copies that blocked attention works on: one head's rows, contiguous, padded
 * with zeros to whole blocks, in the type that products read. Padding keeps the number of different
 * product shapes small, whatever the documents' lengths.
 */
final class HeadBlocks {
  /** Queries that are worked on together. */
  static final int QUERIES = 64;

  /** Keys that are worked on together at most. */
  static final int KEYS = 512;

  private final boolean bf16;
  private final int headSize;

  HeadBlocks(boolean bf16, AttentionShape shape) {
    this.bf16 = bf16;
    this.headSize = shape.headSize();
  }

  int operandBytes() {
    return bf16 ? Short.BYTES : Float.BYTES;
  }

  static int padded(int rows) {
    return (rows + QUERIES - 1) / QUERIES * QUERIES;
  }

  /** Bytes of a copy of so many rows. */
  long copyBytes(int rows) {
    return (long) padded(rows) * headSize * operandBytes();
  }

  /** Copies one head of some rows of a {@code (N, heads·D)} tensor and pads it. */
  void copy(Tensor from, int firstRow, int rows, int head, long to, Worker worker) {
    long rowBytes = (long) headSize * operandBytes();
    long column = (long) head * headSize * Float.BYTES;
    for (int row = 0; row < rows; row++) {
      long source = from.rowAddress(firstRow + row) + column;
      if (bf16) {
        worker.kernels().elements().toBf16(source, to + row * rowBytes, headSize);
      } else {
        Memory.copy(source, to + row * rowBytes, rowBytes);
      }
    }
    int padding = padded(rows) - rows;
    Memory.fill(to + rows * rowBytes, padding * rowBytes, (byte) 0);
  }

  /** (queries, D) · (keys, D)ᵀ → F32 scores {@code (QUERIES, keys)}. */
  GemmShape scores(int keys) {
    return shape(QUERIES, keys, headSize, false, headSize, true, headSize, keys, 0);
  }

  /** (queries, keys) · (keys, D) (+ result) → F32 {@code (QUERIES, D)}. */
  GemmShape weightedSum(int keys, boolean accumulate) {
    return shape(
        QUERIES, headSize, keys, false, keys, false, headSize, headSize, accumulate ? 1 : 0);
  }

  /** (queries, keys)ᵀ · (queries, D) + result → F32 {@code (keys, D)}. */
  GemmShape transposedSum(int keys) {
    return shape(keys, headSize, QUERIES, true, keys, false, headSize, headSize, 1);
  }

  private GemmShape shape(
      int rows,
      int columns,
      int inner,
      boolean transposeA,
      long strideA,
      boolean transposeB,
      long strideB,
      long strideC,
      float beta) {
    return new GemmShape(
        rows,
        columns,
        inner,
        transposeA,
        strideA,
        transposeB,
        strideB,
        false,
        strideC,
        bf16,
        false,
        1,
        beta);
  }
}
