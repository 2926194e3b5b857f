package org.sparktune.trainer.memory;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Owns off-heap memory of the host; everything allocated from it is released together when it is
 * closed. Safe for several threads.
 */
public final class Arena implements TensorArena {
  private static final long ALIGNMENT = 64;

  private record Block(long address, long bytes) {}

  private final String name;
  private final List<Block> blocks = new ArrayList<>();
  private long allocatedBytes;
  private boolean closed;

  /**
   * @param name what the memory is for, used in messages
   */
  public Arena(String name) {
    this.name = name;
  }

  @Override
  public synchronized Tensor allocate(DType type, long... shape) {
    if (closed) {
      throw new IllegalStateException("The arena " + name + " is closed");
    }
    long bytes = type.bytes();
    for (long dimension : shape) {
      bytes = Math.multiplyExact(bytes, dimension);
    }
    long block;
    try {
      block = Memory.allocate(bytes + ALIGNMENT);
    } catch (OutOfMemoryError e) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "No memory for %,d bytes of %s (%,d bytes are already in use there)."
              .formatted(bytes, name, allocatedBytes),
          "Use a smaller batch, a shorter sequence length or a machine with more memory.",
          e);
    }
    blocks.add(new Block(block, bytes + ALIGNMENT));
    allocatedBytes += bytes + ALIGNMENT;
    long aligned = (block + ALIGNMENT - 1) & -ALIGNMENT;
    Memory.fill(aligned, bytes, (byte) 0);
    return Tensor.at(type, aligned, shape);
  }

  @Override
  public synchronized long allocatedBytes() {
    return allocatedBytes;
  }

  @Override
  public synchronized void close() {
    closed = true;
    blocks.forEach(block -> Memory.free(block.address(), block.bytes()));
    blocks.clear();
    allocatedBytes = 0;
  }
}
