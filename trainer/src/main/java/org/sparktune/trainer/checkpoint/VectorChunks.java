package org.sparktune.trainer.checkpoint;

import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Moves stretches of vectors to the heap and back, one small buffer at a time where a vector is in
 * a device's memory.
 */
final class VectorChunks implements AutoCloseable {
  /** Bytes of a buffer: it stays in the second-level cache between copying, summing, writing. */
  static final int BYTES = 1 << 20;

  private final Arena arena = new Arena("a checkpoint on its way");
  private Tensor buffer;

  /**
   * Copies elements to a chunk's beginning.
   *
   * @param from first element of the vector's values
   * @param bytes at most {@link #BYTES}
   */
  void read(ShardedVector vector, long from, byte[] chunk, int bytes) {
    Tensor values = vector.values().view(from, bytes / Float.BYTES);
    Tensor host = values;
    if (values.place() != Tensor.Place.HOST) {
      host = buffer(values.size());
      vector.memory().copy(values, host);
    }
    Memory.copyToHeap(host.address(), chunk, 0, bytes);
  }

  /**
   * Copies part of a chunk to elements.
   *
   * @param offset of the part in the chunk, in bytes
   * @param bytes at most {@link #BYTES}
   * @param from first element of the vector's values
   */
  void write(byte[] chunk, int offset, int bytes, ShardedVector vector, long from) {
    Tensor values = vector.values().view(from, bytes / Float.BYTES);
    if (values.place() == Tensor.Place.HOST) {
      Memory.copyFromHeap(chunk, offset, values.address(), bytes);
    } else {
      Tensor host = buffer(values.size());
      Memory.copyFromHeap(chunk, offset, host.address(), bytes);
      vector.memory().copy(host, values);
    }
  }

  private Tensor buffer(long size) {
    if (buffer == null) {
      buffer = arena.allocate(DType.F32, BYTES / Float.BYTES);
    }
    return buffer.view(0, size);
  }

  @Override
  public void close() {
    arena.close();
  }
}
