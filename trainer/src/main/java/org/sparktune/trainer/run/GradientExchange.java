package org.sparktune.trainer.run;

import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Pending;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.StagedBuckets;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.Buckets;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Optimizer;

/**
 * Sums gradients over ranks and brings the new parameters to all, bucket by bucket: the sum of a
 * bucket begins as soon as the backward pass of the rank's last micro-batch has left it behind, and
 * its new parameters travel while the next bucket is being updated.
 */
final class GradientExchange implements GradientListener, AutoCloseable {
  private final StagedBuckets collective;
  private final Buckets buckets;
  private final Tensor parameters;
  private final Tensor gradients;
  private final GradientTree tree;
  private final VectorOperators vectors;
  private final Pending[] pending;
  private int started;

  GradientExchange(
      Collective collective,
      Buckets buckets,
      Tensor parameters,
      Tensor gradients,
      GradientTree tree,
      VectorOperators vectors) {
    long largest = buckets.ranges().stream().mapToLong(Slices.Range::size).max().orElse(0);
    this.collective = new StagedBuckets(collective, vectors, gradients.place(), largest);
    this.buckets = buckets;
    this.parameters = parameters;
    this.gradients = gradients;
    this.tree = tree;
    this.vectors = vectors;
    this.pending = new Pending[buckets.ranges().size()];
  }

  /** Begins a step. */
  void begin() {
    started = 0;
  }

  @Override
  public void completedFrom(long offset) {
    for (; started < pending.length; started++) {
      Slices.Range bucket = buckets.ranges().get(started);
      if (bucket.from() < offset) {
        return;
      }
      tree.finish(bucket);
      pending[started] = collective.reduceScatter(gradients.view(bucket.from(), bucket.size()));
    }
  }

  /** Waits for the sums of what this rank owns and adds up their squares. */
  ExactSum finish(Optimizer optimizer) {
    completedFrom(0);
    ExactSum squares = new ExactSum();
    for (int bucket = 0; bucket < pending.length; bucket++) {
      pending[bucket].join();
      vectors.addSquares(gradients, optimizer.ownership().slices().get(bucket).range(), squares);
    }
    return squares;
  }

  /** Updates what this rank owns and brings it to all. */
  void update(Optimizer optimizer) {
    for (int bucket = 0; bucket < pending.length; bucket++) {
      optimizer.update(bucket, parameters, gradients);
      pending[bucket] = gather(bucket);
    }
    joinAll();
  }

  /** Brings every rank's parameters to all. */
  void gatherParameters() {
    for (int bucket = 0; bucket < pending.length; bucket++) {
      pending[bucket] = gather(bucket);
    }
    joinAll();
  }

  private Pending gather(int bucket) {
    Slices.Range range = buckets.ranges().get(bucket);
    return collective.allGather(parameters.view(range.from(), range.size()));
  }

  private void joinAll() {
    for (Pending gathering : pending) {
      gathering.join();
    }
  }

  @Override
  public void close() {
    collective.close();
  }
}
