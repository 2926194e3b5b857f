package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.nd4j.linalg.dataset.api.MultiDataSet;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Pending;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.dataset.Seeds;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.Buckets;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Ownership;

/**
 * Trains a network as one of many ranks, in step. A step takes a fixed number of batches, whoever
 * computes them:
 *
 * <pre>
 *   batches    0   1   2   3      gradients, each scaled by 1 / examples of the step
 *               \ /     \ /
 *                +       +        within a rank, or between ranks: the same tree, so the same bits
 *                 \     /
 *                    +            owners normalize, update their slice, and all gather
 * </pre>
 *
 * What {@code fit} does with all the step's examples in one batch, this does with the step, but for
 * rounding; batch normalization sees each batch by itself, and dropout draws for each batch anew.
 */
public final class NetworkTraining implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(NetworkTraining.class);

  private final NetworkTrainable trainable;
  private final Collective collective;
  private final int batchesPerStep;
  private final Range ownBatches;
  private final long seed;
  private final Buckets buckets;
  private final Ownership ownership;
  private final ShardedUpdater updater;
  private final GradientNorms norms;
  private final CpuVectors vectors;
  private final GradientTree tree;

  /** Where a step's batches come from. */
  @FunctionalInterface
  public interface Batches {
    /**
     * A batch of the step, asked for in ascending order.
     *
     * @param index within the step
     * @return null if the data ends before
     */
    MultiDataSet get(int index);
  }

  /**
   * What a step gave.
   *
   * @param score the mean loss over all examples of the step, with regularization
   * @param examples how many those are
   */
  public record Step(double score, long examples) {}

  /**
   * @param collective of all ranks
   * @param batchesPerStep of all ranks together; decides the result, unlike the number of ranks
   * @param threads for adding gradients
   * @param freeBytes memory that may be taken for communication
   */
  public NetworkTraining(
      NetworkTrainable trainable,
      Collective collective,
      int batchesPerStep,
      int threads,
      long freeBytes) {
    this.trainable = trainable;
    this.collective = collective;
    this.batchesPerStep = batchesPerStep;
    this.ownBatches = Slices.leaves(collective.rank(), collective.ranks(), batchesPerStep);
    this.seed = trainable.network().model().conf().getSeed();
    this.buckets = Buckets.of(trainable.layout(), freeBytes);
    this.ownership = Ownership.of(buckets, collective.rank(), collective.ranks());
    this.updater = new ShardedUpdater(trainable, ownership);
    this.norms = new GradientNorms(trainable, ownership);
    this.vectors = new CpuVectors(threads);
    this.tree = new GradientTree(trainable.gradients(), batchesPerStep, vectors);
    LOG.info(
        "Rank {} of {}: batches {} to {} of each {}, owns {} of {} parameters, {} bytes of updater"
            + " state; {}",
        collective.rank(),
        collective.ranks(),
        ownBatches.from(),
        Math.min(ownBatches.to(), batchesPerStep) - 1,
        batchesPerStep,
        ownership.ownedSize(),
        trainable.layout().size(),
        updater.stateBytes(),
        buckets.describe(freeBytes));
  }

  /** This rank's part of the updaters. */
  public ShardedUpdater updater() {
    return updater;
  }

  /** Which parts of the network's updater state, as DL4J lays it out, this rank holds. */
  public List<Range> stateRanges() {
    return ShardedUpdater.stateRanges(trainable.networkLayout(), ownership);
  }

  /** What {@link #stateRanges()} will be for a rank. */
  public static List<Range> stateRanges(Network network, int rank, int ranks, long freeBytes) {
    NetworkLayout layout = new NetworkLayout(network);
    Buckets buckets = Buckets.of(layout.names(), freeBytes);
    return ShardedUpdater.stateRanges(layout, Ownership.of(buckets, rank, ranks));
  }

  /**
   * Makes one step; all ranks call it together. The network's iteration counter goes up.
   *
   * @throws SparktuneException {@code DIVERGED} on every rank if the loss is not finite, {@code
   *     BAD_DATA} if the step has no examples
   */
  public Step step(Batches batches) {
    Network network = trainable.network();
    int iteration = network.iteration();
    collective.beginStep(iteration);
    List<MultiDataSet> own = new ArrayList<>();
    long[] examples = new long[batchesPerStep];
    for (long i = ownBatches.from(); i < Math.min(ownBatches.to(), batchesPerStep); i++) {
      MultiDataSet batch = batches.get((int) i);
      own.add(batch);
      examples[(int) i] = batch == null ? 0 : NetworkTrainable.examples(batch);
    }
    collective.sum(examples);
    long total = 0;
    for (long some : examples) {
      total += some;
    }
    if (total == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA, "Iteration %d has no examples.".formatted(iteration), "");
    }
    double score = trainable.score(accumulate(own, iteration, total), total);
    if (!Double.isFinite(score)) {
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The loss of iteration %d is %s.".formatted(iteration, score),
          "Lower the learning rate, or look for values in the data that are not finite; the network is as it was before this fit.");
    }
    update(iteration, network.epoch());
    network.setScore(score);
    network.setIteration(iteration + 1);
    network.applyConstraints();
    return new Step(score, total);
  }

  /** Sums the gradients of this rank's batches; the losses of all ranks' are returned. */
  private double accumulate(List<MultiDataSet> own, int iteration, long total) {
    long[] losses = new long[batchesPerStep];
    tree.begin();
    boolean first = true;
    for (int i = 0; i < own.size(); i++) {
      if (own.get(i) == null) {
        break;
      }
      if (!first) {
        tree.next();
      }
      first = false;
      int index = (int) ownBatches.from() + i;
      trainable.reseed(Seeds.derive(seed, iteration, index));
      double loss = trainable.accumulate(own.get(i), 1.0 / total).sum();
      losses[index] = Double.doubleToRawLongBits(loss);
    }
    tree.finish();
    collective.sum(losses);
    double[] values = new double[batchesPerStep];
    for (int i = 0; i < batchesPerStep; i++) {
      values[i] = Double.longBitsToDouble(losses[i]);
    }
    return GradientTree.sum(values);
  }

  private void update(int iteration, int epoch) {
    List<Pending> reductions = new ArrayList<>();
    for (Range bucket : buckets.ranges()) {
      reductions.add(collective.reduceScatter(part(trainable.gradients(), bucket)));
    }
    if (norms.areNeeded()) {
      for (Pending reduction : reductions) {
        reduction.join();
      }
      norms.apply(collective);
    }
    List<Pending> gathers = new ArrayList<>();
    for (int i = 0; i < reductions.size(); i++) {
      if (!norms.areNeeded()) {
        reductions.get(i).join();
      }
      updater.update(i, iteration, epoch);
      gathers.add(collective.allGather(part(trainable.parameters(), buckets.ranges().get(i))));
    }
    for (Pending gather : gathers) {
      gather.join();
    }
    trainable.parametersChanged();
  }

  private static Tensor part(Tensor vector, Range range) {
    return vector.view(range.from(), range.size());
  }

  @Override
  public void close() {
    tree.close();
    vectors.close();
  }
}
