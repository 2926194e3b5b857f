package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.KeyValueCache;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Keys and values on the GPU: for each block one tensor of keys and one of values, in which every
 * sequence has the rows of its capacity. Where a pass's rows go is sent once for all blocks.
 */
final class CudaKeyValueCache implements KeyValueCache {
  /** From so many new rows a sequence on, tiles of queries pay; below, a block a row. */
  private static final int TILED_ROWS = 8;

  private final CudaAttention attention;
  private final CachedAttention cached;
  private final Staging staging;
  private final TensorArena arena;
  private final AttentionRuns runs;
  private final DeviceScratch placeMemory;
  private final int[] lengths;
  private final int[] firstRows;
  private final Tensor[] keys;
  private final Tensor[] values;

  /** The arrays of the pass whose rows have been sent, known again by identity; null after it. */
  private int[] plannedSequences;

  private int[] plannedStarts;

  private long places;
  private int longest;

  CudaKeyValueCache(
      CudaAttention attention,
      CachedAttention cached,
      Device device,
      Staging staging,
      TensorArena arena,
      DType type,
      int layers,
      int columns,
      int[] capacities) {
    this.attention = attention;
    this.cached = cached;
    this.staging = staging;
    this.arena = arena;
    runs = new AttentionRuns(device, staging);
    placeMemory = new DeviceScratch(device, "places in a cache");
    lengths = new int[capacities.length];
    firstRows = new int[capacities.length];
    int rows = 0;
    for (int sequence = 0; sequence < capacities.length; sequence++) {
      firstRows[sequence] = rows;
      rows = Math.addExact(rows, capacities[sequence]);
    }
    keys = new Tensor[layers];
    values = new Tensor[layers];
    for (int layer = 0; layer < layers; layer++) {
      keys[layer] = arena.allocate(type, rows, columns);
      values[layer] = arena.allocate(type, rows, columns);
    }
  }

  @Override
  public int length(int sequence) {
    return lengths[sequence];
  }

  @Override
  public void attend(
      int layer, Rows rows, Tensor q, Tensor k, Tensor v, AttentionShape shape, Tensor out) {
    if (plannedSequences != rows.sequences() || plannedStarts != rows.starts()) {
      plan(rows);
    }
    cached.append(k, v, keys[layer], values[layer], places, shape);
    if (q.rows() >= (long) TILED_ROWS * rows.sequences().length) {
      attention.forward(q, keys[layer], values[layer], runs, shape, out);
    } else {
      cached.attend(q, keys[layer], values[layer], places, longest, shape, out);
    }
  }

  private void plan(Rows rows) {
    int count = rows.sequences().length;
    int[] fields = AttentionRuns.fields(count);
    int[] pairs = new int[2 * rows.starts()[count]];
    longest = 0;
    for (int i = 0; i < count; i++) {
      int sequence = rows.sequences()[i];
      int first = rows.starts()[i];
      int length = lengths[sequence] + rows.count(i);
      AttentionRuns.put(fields, i, first, rows.count(i), firstRows[sequence], length);
      longest = Math.max(longest, length);
      for (int row = first; row < rows.starts()[i + 1]; row++) {
        pairs[2 * row] = firstRows[sequence];
        pairs[2 * row + 1] = lengths[sequence] + row - first;
      }
    }
    runs.set(fields);
    places = placeMemory.reserve((long) Math.max(1, pairs.length) * Integer.BYTES);
    staging.upload(pairs, places);
    plannedSequences = rows.sequences();
    plannedStarts = rows.starts();
  }

  @Override
  public void grow(Rows rows) {
    for (int i = 0; i < rows.sequences().length; i++) {
      lengths[rows.sequences()[i]] += rows.count(i);
    }
    plannedSequences = null;
    plannedStarts = null;
  }

  @Override
  public void close() {
    runs.close();
    placeMemory.close();
    arena.close();
  }
}
