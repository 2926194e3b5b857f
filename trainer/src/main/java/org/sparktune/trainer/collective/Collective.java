package org.sparktune.trainer.collective;

import org.sparktune.trainer.memory.Tensor;

/**
 * What the ranks of a run do together. Every rank calls the same operations in the same order, from
 * one thread; operations on buckets are asynchronous, so that they overlap the backward pass, and
 * are carried out in the order in which they were started. {@link Slices} says in which order
 * elements are added and who owns which slice: results don't depend on the order of arrival.
 *
 * <p>An operation that cannot be completed because a rank died, is stopped or is cut off fails on
 * every rank within the configured time; the collective is of no use afterwards and only to be
 * closed.
 */
public interface Collective extends AutoCloseable {

  /** This rank, from 0. */
  int rank();

  /** How many there are. */
  int ranks();

  /** Bytes that an element of a vector to be summed takes on its way to another rank. */
  default int bytesOfSummand() {
    return Float.BYTES;
  }

  /** Whether buckets may lie there; {@link StagedBuckets} brings others to the host and back. */
  default boolean reaches(Tensor.Place place) {
    return place == Tensor.Place.HOST;
  }

  /**
   * Says which step begins; messages carry it, and so do failures.
   *
   * @param step steps already made
   */
  void beginStep(long step);

  /**
   * Sums a bucket over all ranks. Afterwards {@link Slices#owned} of it holds the sums; the rest of
   * the bucket is undefined.
   *
   * @param bucket {@code (n)} F32, contiguous, the same n on every rank; n may be 0
   */
  Pending reduceScatter(Tensor bucket);

  /**
   * Brings every rank's slice to all.
   *
   * @param bucket {@code (n)} F32, contiguous, of which this rank's slice is set
   */
  Pending allGather(Tensor bucket);

  /** Sums a bucket over all ranks; afterwards all of it holds the sums. */
  Pending allReduce(Tensor bucket);

  /**
   * Copies a bucket from one rank to all.
   *
   * @param root whose content
   */
  Pending broadcast(Tensor bucket, int root);

  /**
   * Sums a few numbers over all ranks, exactly: integers have no rounding and so no order. A double
   * of which all ranks but one contribute 0 goes through as its bits.
   *
   * @param values replaced by the sums; the same length on every rank, at most {@link #MAX_NUMBERS}
   */
  void sum(long[] values);

  /** Most numbers of one {@link #sum}. */
  int MAX_NUMBERS = 1 << 16;

  /** Waits until every rank is here. */
  void barrier();

  /**
   * Tells the other ranks that this one gives up, so that they need not find out by waiting.
   *
   * @param reason one sentence
   */
  void abort(String reason);

  @Override
  void close();
}
