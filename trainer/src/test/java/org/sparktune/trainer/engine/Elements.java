package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Single elements of tensors, whatever their type and row stride. */
final class Elements {
  private Elements() {}

  /** An element of a 2-D tensor of real numbers. */
  static double get(Tensor tensor, long row, long column) {
    long address = tensor.rowAddress(row) + column * tensor.type().bytes();
    return switch (tensor.type()) {
      case F32 -> Memory.getFloat(address);
      case BF16 -> Float.intBitsToFloat(Memory.getShort(address) << 16);
      case F16 -> halfToFloat(Memory.getShort(address));
      case I32, I8 -> throw new IllegalArgumentException(tensor + " holds no real numbers");
    };
  }

  /** IEEE binary16 (1 sign, 5 exponent, 10 fraction bits). */
  private static float halfToFloat(short half) {
    int exponent = (half >> 10) & 31;
    int fraction = half & 1023;
    float magnitude =
        switch (exponent) {
          case 0 -> Math.scalb((float) fraction, -24);
          case 31 -> fraction == 0 ? Float.POSITIVE_INFINITY : Float.NaN;
          default -> Math.scalb((float) (fraction | 1024), exponent - 25);
        };
    return half < 0 ? -magnitude : magnitude;
  }

  /** Sets an element of a 2-D F32 tensor. */
  static void put(Tensor tensor, long row, long column, double value) {
    Memory.putFloat(tensor.rowAddress(row) + column * Float.BYTES, (float) value);
  }
}
