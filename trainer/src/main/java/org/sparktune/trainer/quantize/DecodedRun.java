package org.sparktune.trainer.quantize;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Puts decoded values into a tensor. */
final class DecodedRun {
  private DecodedRun() {}

  /**
   * Stores values.
   *
   * @param destination F32 or BF16, contiguous
   * @param at the first element that is written
   */
  static void store(float[] values, int count, Tensor destination, long at) {
    long address = destination.address() + at * destination.type().bytes();
    if (destination.type() == DType.F32) {
      Memory.copyFromHeap(values, address, count);
    } else if (destination.type() == DType.BF16) {
      for (int i = 0; i < count; i++) {
        Memory.putShort(
            address + (long) i * Short.BYTES, ElementConversion.floatToBfloat(values[i]));
      }
    } else {
      throw new IllegalArgumentException("Weights are not decoded to " + destination.type());
    }
  }

  static void requireRows(QuantizedMatrix matrix, long first, Tensor destination) {
    if (destination.columns() != matrix.columns()
        || !destination.isContiguous()
        || first < 0
        || first + destination.rows() > matrix.rows()) {
      throw new IllegalArgumentException(
          "Rows from %d of a matrix of %d x %d do not fit into %s"
              .formatted(first, matrix.rows(), matrix.columns(), destination));
    }
  }
}
