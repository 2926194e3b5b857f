package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/** Copies tensors into other element types, row by row on the workers. */
final class Conversions {
  private final Rows rows;

  Conversions(Rows rows) {
    this.rows = rows;
  }

  /** A contiguous BF16 copy in scratch memory, or the tensor itself if it is BF16. */
  Tensor toBf16(Tensor source, Scratch scratch) {
    if (source.type() == DType.BF16) {
      return source;
    }
    long address = scratch.reserve(source.size() * DType.BF16.bytes());
    Tensor copy = Tensor.at(DType.BF16, address, source.rows(), source.columns());
    copy(source, copy);
    return copy;
  }

  /** Copies any of F32, BF16 and F16 to F32 or BF16. */
  void copy(Tensor from, Tensor to) {
    rows.run(
        from.rows(),
        from.columns(),
        (first, last, worker) -> {
          for (int row = first; row < last; row++) {
            copyRow(from, row, to, row, worker);
          }
        });
  }

  /** Copies one row. */
  static void copyRow(Tensor from, long row, Tensor to, long toRow, Worker worker) {
    int columns = Math.toIntExact(from.columns());
    long source = from.rowAddress(row);
    long target = to.rowAddress(toRow);
    if (from.type() == to.type()) {
      Memory.copy(source, target, (long) columns * from.type().bytes());
    } else if (from.type() == DType.F32 && to.type() == DType.BF16) {
      worker.kernels().elements().toBf16(source, target, columns);
    } else if (from.type() == DType.BF16 && to.type() == DType.F32) {
      worker.kernels().elements().fromBf16(source, target, columns);
    } else if (from.type() == DType.F16 && to.type() == DType.F32) {
      fromHalf(source, target, columns);
    } else if (from.type() == DType.F16 && to.type() == DType.BF16) {
      long wide = worker.scratch((long) columns * Float.BYTES);
      fromHalf(source, wide, columns);
      worker.kernels().elements().toBf16(wide, target, columns);
    } else {
      throw new IllegalArgumentException("%s cannot be copied to %s".formatted(from, to));
    }
  }

  private static void fromHalf(long halves, long floats, int count) {
    for (long i = 0; i < count; i++) {
      Memory.putFloat(
          floats + i * Float.BYTES, halfToFloat(Memory.getShort(halves + i * Short.BYTES)));
    }
  }

  /** IEEE 754 binary16 to binary32, exactly. */
  static float halfToFloat(short half) {
    int sign = (half & 0x8000) << 16;
    int exponent = (half >>> 10) & 0x1f;
    int mantissa = half & 0x3ff;
    if (exponent == 0) {
      // Zero or subnormal: mantissa · 2^-24.
      float magnitude = mantissa * 0x1p-24f;
      return sign == 0 ? magnitude : -magnitude;
    }
    int wide = exponent == 0x1f ? 0xff : exponent - 15 + 127;
    return Float.intBitsToFloat(sign | (wide << 23) | (mantissa << 13));
  }
}
