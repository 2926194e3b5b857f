package org.sparktune.trainer.memory;

/**
 * Owns memory, the host's or an engine's; everything allocated from it is released together when it
 * is closed.
 */
public interface TensorArena extends AutoCloseable {

  /**
   * Allocates a zeroed, contiguous tensor, aligned to 64 bytes at least.
   *
   * @throws org.sparktune.core.SparktuneException {@code RESOURCES} when there is not enough memory
   */
  Tensor allocate(DType type, long... shape);

  /** Bytes allocated so far. */
  long allocatedBytes();

  /** Releases everything, after the operators that were given some of it. */
  @Override
  void close();
}
