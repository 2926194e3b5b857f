package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Hands out consecutive, aligned tensors from one block of memory. Without a block it only counts,
 * so what is estimated is by construction what will be used.
 */
final class Carver {
  /** Wide enough for the widest loads of any engine. */
  private static final long ALIGNMENT = 256;

  private final Tensor block;
  private final ElementTypes types;
  private long used;

  private Carver(Tensor block, ElementTypes types) {
    this.block = block;
    this.types = types;
  }

  /** Counts only. */
  static Carver measuring(ElementTypes types) {
    return new Carver(null, types);
  }

  /** Hands out the memory of an I8 tensor. */
  static Carver of(Tensor block, ElementTypes types) {
    return new Carver(block, types);
  }

  /** The types that an engine wants. */
  ElementTypes types() {
    return types;
  }

  /** The next F32 tensor; its content is whatever the memory holds. */
  Tensor take(long... shape) {
    return take(DType.F32, shape);
  }

  /** The next tensor for activations or their gradients. */
  Tensor takeActivation(long... shape) {
    return take(types.activation(), shape);
  }

  /**
   * The next tensor that linear modules with factors read, with the room that the engine wants
   * behind its rows.
   *
   * @param rank of the factors; 0 without
   */
  Tensor takeExtended(DType type, long rows, long columns, int rank) {
    long extended = types.engine().extendedColumns(columns, rank);
    Tensor whole = take(type, rows, extended);
    return extended == columns ? whole : whole.columns(0, columns);
  }

  /** The next tensor of another type. */
  Tensor take(DType type, long... shape) {
    Tensor tensor = block == null ? Tensor.at(type, used, shape) : block.cut(used, type, shape);
    used += (tensor.byteSize() + ALIGNMENT - 1) & -ALIGNMENT;
    return tensor;
  }

  /** Goes back (or forward) to where {@link #used} was so much: tensors may share memory. */
  void rewind(long position) {
    used = position;
  }

  /** Bytes handed out so far. */
  long used() {
    return used;
  }
}
