package org.sparktune.trainer.quantize;

import java.util.stream.IntStream;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * A matrix in 8-bit floating point (E4M3), every row with a scale of its own that makes its largest
 * element 448.
 *
 * @param codes {@code (out, in)} I8
 * @param scales {@code (out)} F32: what a value of 1 stands for
 */
public record Fp8Matrix(Tensor codes, Tensor scales) implements QuantizedMatrix {

  /**
   * Quantizes a matrix.
   *
   * @param matrix {@code (out, in)} F32, contiguous
   */
  public static Fp8Matrix of(Tensor matrix, TensorArena arena) {
    int rows = Math.toIntExact(matrix.rows());
    int columns = Math.toIntExact(matrix.columns());
    Tensor codes = arena.allocate(DType.I8, rows, columns);
    float[] scales = new float[rows];
    IntStream.range(0, rows)
        .parallel()
        .forEach(
            row -> scales[row] = encode(matrix.rowAddress(row), codes.rowAddress(row), columns));
    return new Fp8Matrix(codes, arena.allocate(DType.F32, rows).set(scales));
  }

  /** Returns the scale. */
  private static float encode(long source, long target, int columns) {
    float[] values = new float[columns];
    Memory.copyToHeap(source, values, columns);
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    float scale = largest == 0 ? 1 : largest / Fp8.LARGEST;
    for (int i = 0; i < columns; i++) {
      Memory.putByte(target + i, (byte) Fp8.code(values[i] / scale));
    }
    return scale;
  }

  /** The bytes of matrices of so many elements, but for their scales. */
  public static long bytes(long elements) {
    return elements;
  }

  @Override
  public long rows() {
    return codes.rows();
  }

  @Override
  public long columns() {
    return codes.columns();
  }

  @Override
  public long bytes() {
    return codes.byteSize() + scales.byteSize();
  }

  @Override
  public void decode(long first, Tensor destination) {
    DecodedRun.requireRows(this, first, destination);
    int columns = Math.toIntExact(columns());
    float[] values = new float[columns];
    for (long row = 0; row < destination.rows(); row++) {
      float scale = scales.getFloat(first + row);
      long address = codes.rowAddress(first + row);
      for (int i = 0; i < columns; i++) {
        values[i] = Fp8.value(Memory.getByte(address + i)) * scale;
      }
      DecodedRun.store(values, columns, destination, row * columns);
    }
  }

  @Override
  public Fp8Matrix copy(TensorArena arena) {
    Tensor codesCopy = arena.allocate(DType.I8, codes.shape());
    codesCopy.copyFrom(codes);
    Tensor scalesCopy = arena.allocate(DType.F32, scales.shape());
    scalesCopy.copyFrom(scales);
    return new Fp8Matrix(codesCopy, scalesCopy);
  }
}
