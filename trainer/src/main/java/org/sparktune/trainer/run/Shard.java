package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.Buckets;
import org.sparktune.trainer.optim.GradientTree;
import org.sparktune.trainer.optim.Optimizer;
import org.sparktune.trainer.optim.Ownership;
import org.sparktune.trainer.optim.Trainable;

/**
 * What a rank holds for training beside the model: its slices' optimizer state, partial sums of its
 * own micro-batches' gradients, and the buckets in which it exchanges with others.
 */
final class Shard implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Shard.class);

  private final Trainable<Batch> trainable;
  private final VectorOperators vectors;
  private final Optimizer optimizer;
  private final GradientTree tree;
  private final GradientExchange exchange;
  private final TrainingStep step;

  /** By name, what every rank holds wholly beside the parameters, and saves its ranges of. */
  private final Map<String, Tensor> kept = new LinkedHashMap<>();

  Shard(TrainingInputs inputs, Collective collective) {
    TrainingOptions options = inputs.options();
    this.trainable = inputs.trainable();
    Buckets buckets = Buckets.of(trainable.layout(), inputs.resources().memoryBytes());
    Ownership ownership = Ownership.of(buckets, collective.rank(), collective.ranks());
    this.vectors = trainable.vectors();
    this.optimizer =
        options
            .optimizer()
            .create(trainable.layout(), ownership, vectors, inputs.resources().threads());
    int leaves =
        ownLeaves(collective.rank(), collective.ranks(), options.gradientAccumulationSteps());
    this.tree = new GradientTree(trainable.gradients(), leaves, vectors);
    this.exchange =
        new GradientExchange(
            collective, buckets, trainable.parameters(), trainable.gradients(), tree, vectors);
    this.step =
        new TrainingStep(
            trainable,
            options,
            optimizer,
            tree,
            exchange,
            collective,
            new RowPlaces(inputs.train()));
    if (collective.ranks() > 1) {
      LOG.info(
          "rank {} of {}: {}; {} of {} parameters owned, {} bytes of optimizer state",
          collective.rank(),
          collective.ranks(),
          buckets.describe(inputs.resources().memoryBytes()),
          ownership.ownedSize(),
          ownership.size(),
          optimizer.stateBytes());
    }
  }

  /** How many micro-batches of a full step a rank computes. */
  static int ownLeaves(int rank, int ranks, int leaves) {
    Slices.Range own = Slices.leaves(rank, ranks, leaves);
    return (int) Math.max(0, Math.min(leaves, own.to()) - own.from());
  }

  TrainingStep step() {
    return step;
  }

  /**
   * Saves and restores another vector.
   *
   * @param vector {@code (P)} F32 in host memory, the same on every rank
   */
  void keep(String name, Tensor vector) {
    kept.put(name, vector);
  }

  /** What is to be saved and restored beside the parameters, and its bytes. */
  Optimizer optimizer() {
    return optimizer;
  }

  /** Does something with all that this rank owns; changes of the parameters are taken up. */
  <T> T withVectors(VectorTask<T> task) {
    Ownership ownership = optimizer.ownership();
    try (Arena arena = new Arena("owned parameters")) {
      ShardedVector owned = owned(ownership, arena);
      List<ShardedVector> all = new ArrayList<>();
      all.add(owned);
      all.addAll(optimizer.state());
      List<Tensor> ownedOfKept = new ArrayList<>();
      for (Map.Entry<String, Tensor> vector : kept.entrySet()) {
        Tensor ranges = arena.allocate(DType.F32, ownership.ownedSize());
        copy(ownership, vector.getValue(), ranges, true);
        ownedOfKept.add(ranges);
        all.add(new ShardedVector(vector.getKey(), ownership.size(), ownership.ranges(), ranges));
      }
      T result = task.run(all);
      if (ownership.ranges().size() != 1) {
        copy(ownership, trainable.parameters(), owned.values(), false);
      }
      int place = 0;
      for (Tensor vector : kept.values()) {
        copy(ownership, vector, ownedOfKept.get(place++), false);
      }
      return result;
    }
  }

  /** Works on vectors of which this rank holds some ranges. */
  interface VectorTask<T> {
    T run(List<ShardedVector> vectors);
  }

  /** Goes on with vectors that were filled in after so many steps. */
  void restored(long steps) {
    optimizer.restore(steps);
    kept.values().forEach(this::gather);
    exchange.gatherParameters();
    trainable.parametersChanged();
  }

  /** Brings every rank's ranges of a kept vector to all, by way of the parameters. */
  private void gather(Tensor vector) {
    float[] parameters = vectors.toArray(trainable.parameters());
    vectors.set(trainable.parameters(), vector.toFloatArray());
    exchange.gatherParameters();
    vector.set(vectors.toArray(trainable.parameters()));
    vectors.set(trainable.parameters(), parameters);
  }

  /** The owned ranges of the parameters one after the other; copied if they are several. */
  private ShardedVector owned(Ownership ownership, Arena arena) {
    Tensor values;
    if (ownership.ranges().size() == 1) {
      Slices.Range range = ownership.ranges().get(0);
      values = trainable.parameters().view(range.from(), range.size());
    } else {
      values = arena.allocate(DType.F32, ownership.ownedSize());
      copy(ownership, trainable.parameters(), values, true);
    }
    return new ShardedVector("parameters", ownership.size(), ownership.ranges(), values, vectors);
  }

  /** Copies the owned ranges of a whole vector to a place where they lie end to end, or back. */
  private void copy(Ownership ownership, Tensor whole, Tensor owned, boolean fromWhole) {
    long offset = 0;
    for (Slices.Range range : ownership.ranges()) {
      Tensor place = whole.view(range.from(), range.size());
      Tensor copy = owned.view(offset, range.size());
      if (fromWhole) {
        vectors.copy(place, copy);
      } else {
        vectors.copy(copy, place);
      }
      offset += range.size();
    }
  }

  @Override
  public void close() {
    exchange.close();
    tree.close();
    optimizer.close();
  }
}
