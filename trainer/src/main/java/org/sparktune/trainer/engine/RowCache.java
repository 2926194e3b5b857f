package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/** A cache of one tensor of keys and one of values for each sequence and block. */
final class RowCache implements KeyValueCache {
  private final Engine engine;
  private final TensorArena arena;
  private final int[] lengths;

  /** By sequence and block, {@code (capacity, K·D)}. */
  private final Tensor[][] keys;

  private final Tensor[][] values;

  RowCache(Engine engine, int layers, int columns, int[] capacities) {
    this.engine = engine;
    arena = engine.arena("the key/value cache");
    lengths = new int[capacities.length];
    keys = new Tensor[capacities.length][layers];
    values = new Tensor[capacities.length][layers];
    for (int sequence = 0; sequence < capacities.length; sequence++) {
      for (int layer = 0; layer < layers; layer++) {
        keys[sequence][layer] =
            arena.allocate(engine.activationType(), capacities[sequence], columns);
        values[sequence][layer] =
            arena.allocate(engine.activationType(), capacities[sequence], columns);
      }
    }
  }

  @Override
  public int length(int sequence) {
    return lengths[sequence];
  }

  @Override
  public void attend(
      int layer, Rows rows, Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
    int count = rows.sequences().length;
    Tensor[] ownKeys = new Tensor[count];
    Tensor[] ownValues = new Tensor[count];
    int[] grown = new int[count];
    for (int i = 0; i < count; i++) {
      int sequence = rows.sequences()[i];
      int from = rows.starts()[i];
      int to = rows.starts()[i + 1];
      grown[i] = lengths[sequence] + to - from;
      ownKeys[i] = keys[sequence][layer];
      ownValues[i] = values[sequence][layer];
      engine.copy(k.rows(from, to), ownKeys[i].rows(lengths[sequence], grown[i]));
      engine.copy(v.rows(from, to), ownValues[i].rows(lengths[sequence], grown[i]));
    }
    engine.cachedAttention(q, rows.starts(), ownKeys, ownValues, grown, shape, out);
  }

  @Override
  public void grow(Rows rows) {
    for (int i = 0; i < rows.sequences().length; i++) {
      lengths[rows.sequences()[i]] += rows.count(i);
    }
  }

  @Override
  public void close() {
    arena.close();
  }
}
