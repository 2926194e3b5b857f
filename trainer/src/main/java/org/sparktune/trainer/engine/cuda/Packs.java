package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * How threads share out the elements of rows: packs of 16 bytes where every row of every tensor
 * allows it, else one by one (see {@code packs.cuh}).
 *
 * @param rows of the launch
 * @param columns of its rows
 * @param width elements of a pack
 */
record Packs(long rows, long columns, int width) {
  /** Threads of a block where every pack has a thread. */
  static final int THREADS = 256;

  private static final int BYTES = 16;

  /**
   * Packs of a number of activations.
   *
   * @param first decides the type and the shape
   * @param others of the same type; vectors of F32 beside them are also taken; any may be null
   */
  static Packs of(Tensor first, Tensor... others) {
    return of(first.rows(), first.columns(), first, others);
  }

  /** As {@link #of(Tensor, Tensor...)}, where rows are cut into so many columns. */
  static Packs of(long rows, long columns, Tensor first, Tensor... others) {
    int width = BYTES / first.type().bytes();
    boolean wide = columns % width == 0 && isAligned(first) && areAligned(others);
    return new Packs(rows, columns, wide ? width : 1);
  }

  /** Whether every row of every tensor begins at a multiple of 16 bytes. */
  static boolean areAligned(Tensor... tensors) {
    for (Tensor tensor : tensors) {
      if (tensor != null && !isAligned(tensor)) {
        return false;
      }
    }
    return true;
  }

  private static boolean isAligned(Tensor tensor) {
    boolean rowsToo = tensor.rows() <= 1 || tensor.rowStride() * tensor.type().bytes() % BYTES == 0;
    return tensor.deviceAddress() % BYTES == 0 && rowsToo;
  }

  /** The type that some tensors share. */
  static DType type(Tensor first, Tensor... others) {
    for (Tensor other : others) {
      if (other.type() != first.type()) {
        throw new IllegalArgumentException("%s and %s differ in type".formatted(first, other));
      }
    }
    return first.type();
  }

  /** The same elements one by one. */
  Packs single() {
    return new Packs(rows, columns, 1);
  }

  boolean wide() {
    return width > 1;
  }

  /** Packs of one row. */
  long perRow() {
    return (columns + width - 1) / width;
  }

  /** Blocks of {@link #THREADS} threads for all packs. */
  long blocks() {
    return (rows * perRow() + THREADS - 1) / THREADS;
  }
}
