package org.sparktune.trainer.memory;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * One block of off-heap memory that grows to the largest size asked for and is used again and
 * again. Its contents are undefined after every {@link #reserve}. Not safe for several threads.
 */
public final class Scratch implements AutoCloseable {
  private static final long ALIGNMENT = 64;

  private final String name;
  private long block;
  private long capacity;

  /**
   * @param name what the memory is for, used in messages
   */
  public Scratch(String name) {
    this.name = name;
  }

  /** The 64-byte aligned address of at least so many bytes; valid until the next call. */
  public long reserve(long bytes) {
    if (bytes > capacity) {
      close();
      long grown = grown(bytes);
      try {
        block = Memory.allocate(grown + ALIGNMENT);
      } catch (OutOfMemoryError e) {
        throw new SparktuneException(
            ErrorCode.RESOURCES,
            "No memory for %,d bytes of %s.".formatted(grown, name),
            "Use a smaller batch, a shorter sequence length or a machine with more memory.",
            e);
      }
      capacity = grown;
    }
    return (block + ALIGNMENT - 1) & -ALIGNMENT;
  }

  /**
   * What is taken for so many bytes: a little more, so that slightly longer batches do not grow it
   * every time.
   */
  public static long grown(long bytes) {
    return bytes + bytes / 8;
  }

  /** The bytes held now. */
  public long capacity() {
    return capacity;
  }

  @Override
  public void close() {
    if (block != 0) {
      Memory.free(block, capacity + ALIGNMENT);
    }
    block = 0;
    capacity = 0;
  }
}
