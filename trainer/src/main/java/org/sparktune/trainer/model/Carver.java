package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Hands out consecutive, aligned F32 tensors from one block of memory. Without a block it only
 * counts, so what is estimated is by construction what will be used.
 */
final class Carver {
  private static final long ALIGNMENT = 64;

  private final long address;
  private final long capacity;
  private long used;

  private Carver(long address, long capacity) {
    this.address = address;
    this.capacity = capacity;
  }

  /** Counts only. */
  static Carver measuring() {
    return new Carver(0, Long.MAX_VALUE);
  }

  /** Hands out the memory of an I8 tensor. */
  static Carver of(Tensor block) {
    return new Carver(block.address(), block.byteSize());
  }

  /** The next tensor; its content is whatever the memory holds. */
  Tensor take(long... shape) {
    return take(DType.F32, shape);
  }

  /** The next tensor of another type. */
  Tensor take(DType type, long... shape) {
    Tensor tensor = Tensor.at(type, address + used, shape);
    used += (tensor.byteSize() + ALIGNMENT - 1) & -ALIGNMENT;
    if (used > capacity) {
      throw new IllegalStateException(
          "%d bytes are needed of a block of %d".formatted(used, capacity));
    }
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
