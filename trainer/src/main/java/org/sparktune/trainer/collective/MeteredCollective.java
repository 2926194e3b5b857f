package org.sparktune.trainer.collective;

import org.sparktune.trainer.memory.Tensor;

/**
 * Measures how long a rank waits for others, and counts what it sends. Used from the collective's
 * one thread.
 */
public final class MeteredCollective implements Collective {
  private final Collective collective;
  private long waitingNanos;
  private long bytesSent;

  /** Measures another collective, which it does not close. */
  public MeteredCollective(Collective collective) {
    this.collective = collective;
  }

  /** Time spent in waiting for operations to end, since the beginning. */
  public long waitingNanos() {
    return waitingNanos;
  }

  /**
   * Bytes of vectors that this rank handed to others since the beginning, as {@link Slices} has it,
   * without frames and repetitions.
   */
  public long bytesSent() {
    return bytesSent;
  }

  @Override
  public int rank() {
    return collective.rank();
  }

  @Override
  public int ranks() {
    return collective.ranks();
  }

  @Override
  public boolean reaches(Tensor.Place place) {
    return collective.reaches(place);
  }

  @Override
  public int bytesOfSummand() {
    return collective.bytesOfSummand();
  }

  @Override
  public void beginStep(long step) {
    collective.beginStep(step);
  }

  @Override
  public Pending reduceScatter(Tensor bucket) {
    countReduceScatter(bucket.size());
    return measured(collective.reduceScatter(bucket));
  }

  @Override
  public Pending allGather(Tensor bucket) {
    countAllGather(bucket.size());
    return measured(collective.allGather(bucket));
  }

  @Override
  public Pending allReduce(Tensor bucket) {
    countReduceScatter(bucket.size());
    countAllGather(bucket.size());
    return measured(collective.allReduce(bucket));
  }

  @Override
  public Pending broadcast(Tensor bucket, int root) {
    return measured(collective.broadcast(bucket, root));
  }

  @Override
  public void sum(long[] values) {
    measure(() -> collective.sum(values));
  }

  @Override
  public void barrier() {
    measure(collective::barrier);
  }

  @Override
  public void abort(String reason) {
    collective.abort(reason);
  }

  /** Does nothing: the measured collective has an owner. */
  @Override
  public void close() {}

  private Pending measured(Pending pending) {
    return () -> measure(pending::join);
  }

  private void measure(Runnable waiting) {
    long begin = System.nanoTime();
    try {
      waiting.run();
    } finally {
      waitingNanos += System.nanoTime() - begin;
    }
  }

  /** A follower sends all to its leader; leaders keep a slice of what they halve. */
  private void countReduceScatter(long elements) {
    if (ranks() > 1) {
      long sent = elements - Slices.owned(rank(), ranks(), elements).size();
      bytesSent += sent * collective.bytesOfSummand();
    }
  }

  /** Leaders send what they have, doubled each time; in the end all of it to a follower. */
  private void countAllGather(long elements) {
    if (Slices.isFollower(rank(), ranks())) {
      return;
    }
    int group = Slices.group(rank(), ranks());
    for (int distance = Slices.groups(ranks()) / 2; distance > 0; distance /= 2) {
      bytesSent += shared(group, distance, elements) * Float.BYTES;
    }
    boolean paired = group < ranks() - Slices.groups(ranks());
    bytesSent += paired ? elements * Float.BYTES : 0;
  }

  /** What a leader holds before it doubles with the leader at a distance. */
  private long shared(int group, int distance, long elements) {
    Slices.Range range = new Slices.Range(0, elements);
    for (int halving = 1; halving <= distance; halving *= 2) {
      range = (group & halving) == 0 ? range.lowerHalf() : range.upperHalf();
    }
    return range.size();
  }
}
