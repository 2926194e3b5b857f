package org.sparktune.trainer.memory;

/**
 * A kind of memory that tensors live in, and what anyone may do with them wherever they live: the
 * host's, as implemented here, or that of an engine with a device.
 */
public interface TensorMemory {

  /** The host's memory. */
  TensorMemory HOST = new TensorMemory() {};

  /**
   * An arena of this memory.
   *
   * @param name what the memory is for, used in messages
   */
  default TensorArena arena(String name) {
    return new Arena(name);
  }

  /**
   * Copies elements. Each side lies in host memory or in this memory. Ordered with an engine's
   * operators: it sees what they were given before, and they see what it wrote. When it returns, a
   * host {@code to} holds the values and a host {@code from} may be written again; between two
   * tensors of a device it may return earlier.
   *
   * @param from {@code (N, C)}, or any shape
   * @param to of the same type and shape; rows of either may lie apart
   */
  default void copy(Tensor from, Tensor to) {
    TensorShapes.requireSame(from, to);
    long bytes = from.columns() * from.type().bytes();
    if (from.isContiguous() && to.isContiguous()) {
      Memory.copy(from.address(), to.address(), from.rows() * bytes);
      return;
    }
    for (long row = 0; row < from.rows(); row++) {
      Memory.copy(from.rowAddress(row), to.rowAddress(row), bytes);
    }
  }

  /**
   * Sets every element to zero, in order with an engine's operators.
   *
   * @param tensor of any type and shape; rows may lie apart
   */
  default void zero(Tensor tensor) {
    long bytes = tensor.columns() * tensor.type().bytes();
    if (tensor.isContiguous()) {
      Memory.fill(tensor.address(), tensor.rows() * bytes, (byte) 0);
      return;
    }
    for (long row = 0; row < tensor.rows(); row++) {
      Memory.fill(tensor.rowAddress(row), bytes, (byte) 0);
    }
  }

  /**
   * Sets every element to a number, in order with an engine's operators.
   *
   * @param tensor F32, of any shape; rows may lie apart
   */
  default void fill(Tensor tensor, float value) {
    TensorShapes.requireType(tensor, DType.F32);
    for (long row = 0; row < tensor.rows(); row++) {
      long address = tensor.rowAddress(row);
      for (long column = 0; column < tensor.columns(); column++) {
        Memory.putFloat(address + column * Float.BYTES, value);
      }
    }
  }

  /** The values of a contiguous F32 tensor of host memory or of this one, on the heap. */
  default float[] toArray(Tensor tensor) {
    if (tensor.place() == Tensor.Place.HOST) {
      return tensor.toFloatArray();
    }
    try (Arena arena = new Arena("values read from the device")) {
      Tensor host = arena.allocate(tensor.type(), tensor.shape());
      copy(tensor, host);
      return host.toFloatArray();
    }
  }

  /** Copies heap floats into a contiguous F32 tensor, of host memory or of this one. */
  default void set(Tensor tensor, float[] values) {
    if (tensor.place() == Tensor.Place.HOST) {
      tensor.set(values);
      return;
    }
    try (Arena arena = new Arena("values on their way to the device")) {
      copy(arena.allocate(tensor.type(), tensor.shape()).set(values), tensor);
    }
  }
}
