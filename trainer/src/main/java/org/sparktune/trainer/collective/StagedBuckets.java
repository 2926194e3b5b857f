package org.sparktune.trainer.collective;

import java.util.ArrayDeque;
import java.util.Deque;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorMemory;

/**
 * Takes buckets of any memory to a collective: as they are if it reaches that memory, through a few
 * buffers of the host otherwise. Operations are to be joined in the order in which they began.
 */
public final class StagedBuckets implements AutoCloseable {
  /** Buckets on their way at once; the next one waits until the first has arrived. */
  private static final int BUFFERS = 4;

  private final Collective collective;
  private final TensorMemory memory;
  private final Arena arena = new Arena("gradient buckets on their way");
  private final Deque<Tensor> free = new ArrayDeque<>();
  private final Deque<Staged> underWay = new ArrayDeque<>();

  /**
   * @param memory where the buckets are
   * @param largest elements of the largest bucket
   */
  public StagedBuckets(
      Collective collective, TensorMemory memory, Tensor.Place place, long largest) {
    this.collective = collective;
    this.memory = memory;
    for (int i = 0; i < BUFFERS && !collective.reaches(place); i++) {
      free.add(arena.allocate(DType.F32, largest));
    }
  }

  /** See {@link Collective#reduceScatter}. */
  public Pending reduceScatter(Tensor bucket) {
    if (collective.reaches(bucket.place())) {
      return collective.reduceScatter(bucket);
    }
    Tensor buffer = buffer();
    Tensor host = buffer.view(0, bucket.size());
    memory.copy(bucket, host);
    Slices.Range owned = Slices.owned(collective.rank(), collective.ranks(), bucket.size());
    return begun(new Staged(collective.reduceScatter(host), buffer, bucket, owned));
  }

  /** See {@link Collective#allGather}. */
  public Pending allGather(Tensor bucket) {
    if (collective.reaches(bucket.place())) {
      return collective.allGather(bucket);
    }
    Tensor buffer = buffer();
    Tensor host = buffer.view(0, bucket.size());
    Slices.Range owned = Slices.owned(collective.rank(), collective.ranks(), bucket.size());
    memory.copy(part(bucket, owned), part(host, owned));
    Slices.Range whole = new Slices.Range(0, bucket.size());
    return begun(new Staged(collective.allGather(host), buffer, bucket, whole));
  }

  private Tensor buffer() {
    if (free.isEmpty()) {
      underWay.element().join();
    }
    return free.remove();
  }

  private Staged begun(Staged staged) {
    underWay.add(staged);
    return staged;
  }

  private static Tensor part(Tensor bucket, Slices.Range range) {
    return bucket.view(range.from(), range.size());
  }

  /** An operation on a buffer whose result goes back to the bucket. */
  private final class Staged implements Pending {
    private final Pending pending;
    private final Tensor buffer;
    private final Tensor bucket;
    private final Slices.Range result;
    private boolean over;

    Staged(Pending pending, Tensor buffer, Tensor bucket, Slices.Range result) {
      this.pending = pending;
      this.buffer = buffer;
      this.bucket = bucket;
      this.result = result;
    }

    @Override
    public void join() {
      if (over) {
        return;
      }
      pending.join();
      memory.copy(part(buffer, result), part(bucket, result));
      over = true;
      underWay.remove(this);
      free.add(buffer);
    }
  }

  /**
   * Releases the buffers, unless a failure left some to an operation that may still write there.
   */
  @Override
  public void close() {
    if (underWay.isEmpty()) {
      arena.close();
    }
  }
}
