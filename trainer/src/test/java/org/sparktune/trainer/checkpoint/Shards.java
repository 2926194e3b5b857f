package org.sparktune.trainer.checkpoint;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** What a rank holds of three vectors cut into buckets; every element follows from its place. */
final class Shards implements AutoCloseable {
  static final List<String> NAMES = List.of("parameters", "exp_avg", "exp_avg_sq");

  private final Arena arena = new Arena("shards");
  private final List<ShardedVector> vectors = new ArrayList<>();

  Shards(int rank, int ranks, long length, long bucket) {
    for (String name : NAMES) {
      List<Slices.Range> ranges = new ArrayList<>();
      long size = 0;
      for (long from = 0; from < length; from += bucket) {
        Slices.Range owned = Slices.owned(rank, ranks, Math.min(bucket, length - from));
        if (owned.size() > 0) {
          ranges.add(new Slices.Range(from + owned.from(), from + owned.to()));
          size += owned.size();
        }
      }
      Tensor values = arena.allocate(DType.F32, size);
      vectors.add(new ShardedVector(name, length, ranges, values));
    }
  }

  List<ShardedVector> vectors() {
    return vectors;
  }

  /** Gives every element the value it has after a step. */
  Shards set(long step) {
    visit(
        (vector, index, position) ->
            vector.values().setFloat(position, value(vector, index, step)));
    return this;
  }

  /** How many elements are not what they should be after a step. */
  long wrong(long step) {
    long[] wrong = {0};
    visit(
        (vector, index, position) -> {
          if (vector.values().getFloat(position) != value(vector, index, step)) {
            wrong[0]++;
          }
        });
    return wrong[0];
  }

  @Override
  public void close() {
    arena.close();
  }

  private interface Visitor {
    void visit(ShardedVector vector, long index, long position);
  }

  private void visit(Visitor visitor) {
    for (ShardedVector vector : vectors) {
      long position = 0;
      for (Slices.Range range : vector.ranges()) {
        for (long index = range.from(); index < range.to(); index++) {
          visitor.visit(vector, index, position++);
        }
      }
    }
  }

  private static float value(ShardedVector vector, long index, long step) {
    return NAMES.indexOf(vector.name()) * 1e6f + step * 1e3f + index % 997;
  }
}
