package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** One sequence's keys and values of every block. */
final class KeyValueCache {
  private final Tensor[] keys;
  private final Tensor[] values;
  private int length;

  /**
   * @param capacity tokens the sequence may grow to
   */
  KeyValueCache(DecoderConfig config, int capacity, Arena arena) {
    keys = new Tensor[config.layers()];
    values = new Tensor[config.layers()];
    for (int layer = 0; layer < keys.length; layer++) {
      keys[layer] = arena.allocate(DType.F32, capacity, config.keyColumns());
      values[layer] = arena.allocate(DType.F32, capacity, config.keyColumns());
    }
  }

  /** Tokens in the cache. */
  int length() {
    return length;
  }

  /** Says that so many tokens are in the cache. */
  void grow(int newLength) {
    length = newLength;
  }

  Tensor keys(int layer) {
    return keys[layer];
  }

  Tensor values(int layer) {
    return values[layer];
  }

  /**
   * Appends rows to a block's keys and values.
   *
   * @param k {@code (N, K·D)}
   * @param v {@code (N, K·D)}
   * @param from the sequence's first row of N
   * @param count how many rows are its own
   */
  void append(int layer, Tensor k, Tensor v, int from, int count) {
    long bytes = k.columns() * Float.BYTES;
    for (int i = 0; i < count; i++) {
      Memory.copy(k.rowAddress(from + i), keys[layer].rowAddress(length + i), bytes);
      Memory.copy(v.rowAddress(from + i), values[layer].rowAddress(length + i), bytes);
    }
  }
}
