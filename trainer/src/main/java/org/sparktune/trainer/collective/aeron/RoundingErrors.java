package org.sparktune.trainer.collective.aeron;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * What rounding gradients to BF16 took from each element of each bucket, to be added the next time.
 * A bucket is known by its place among the reductions of its step and its length; as many floats
 * are kept as all buckets have.
 */
final class RoundingErrors implements AutoCloseable {
  private record Key(int place, long length) {}

  private final Arena arena = new Arena("rounding errors of gradients");
  private final Map<Key, Tensor> errors = new HashMap<>();

  /** The address of a bucket's errors, zero in the beginning. */
  long of(int place, long length) {
    return errors
        .computeIfAbsent(
            new Key(place, length),
            key -> {
              Tensor fresh = arena.allocate(DType.F32, Math.max(1, length));
              fresh.zero();
              return fresh;
            })
        .address();
  }

  @Override
  public void close() {
    arena.close();
  }
}
