package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.AdaBeliefUpdater;
import org.nd4j.linalg.learning.GradientUpdater;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.IUpdater;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.engine.cpu.BlockThreads;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * One of ND4J's updaters over the owned slices. It is given {@link Slices#ALIGNMENT} elements at a
 * time, counted from the beginning of the flat vectors, whatever is owned and however many threads
 * work: so its native loops, whose rounding may depend on lengths, see the same blocks everywhere.
 */
final class UpdaterOptimizer implements Optimizer {
  /** Blocks that pass through host memory at once where parameters are in a device's. */
  private static final int STAGED_BLOCKS = 1024;

  private final double weightDecay;
  private final VectorOperators vectors;
  private final BlockThreads threads;
  private final Ownership ownership;
  private final IUpdater updater;
  private final Arena arena;
  private final SortedMap<String, Tensor> state = new TreeMap<>();
  private final List<List<Block>> blocks = new ArrayList<>();
  private final List<Map<Integer, Bench>> benches = new ArrayList<>();
  private long steps;
  private float gradientScale;
  private float decay;

  /** Elements that the updater is given at once, and what of them decays. */
  private record Block(
      long offset, long stateOffset, int count, List<ParameterLayout.Stretch> stretches) {}

  /** Parts of the flat vectors in host memory, from an element on. */
  private record Window(Tensor parameters, Tensor gradients, long from) {}

  /** A thread's place to work on blocks of one length. */
  private record Bench(
      GradientUpdater<?> updater, INDArray update, Tensor values, Map<String, Tensor> state) {}

  UpdaterOptimizer(
      ParameterLayout layout,
      Ownership ownership,
      UpdaterOptions options,
      VectorOperators vectors,
      int threads) {
    this.weightDecay = options.weightDecay();
    this.vectors = vectors;
    this.threads = new BlockThreads(threads);
    this.ownership = ownership;
    this.updater = options.updater().clone();
    this.arena = new Arena("the state of " + updater.getClass().getSimpleName());
    initialState().forEach((name, value) -> state.put(name, filled(value)));
    for (Ownership.Slice slice : ownership.slices()) {
      blocks.add(blocks(layout, slice));
    }
    for (int thread = 0; thread < threads; thread++) {
      benches.add(new HashMap<>());
    }
  }

  @Override
  public Ownership ownership() {
    return ownership;
  }

  @Override
  public long steps() {
    return steps;
  }

  @Override
  public void restore(long stepsMade) {
    steps = stepsMade;
  }

  @Override
  public List<ShardedVector> state() {
    List<ShardedVector> all = new ArrayList<>();
    state.forEach(
        (name, values) ->
            all.add(new ShardedVector(name, ownership.size(), ownership.ranges(), values)));
    return all;
  }

  @Override
  public long stateBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void begin(double learningRate, double scale) {
    steps++;
    gradientScale = (float) scale;
    decay = (float) (1.0 - learningRate * weightDecay);
    if (updater.hasLearningRate()) {
      updater.setLrAndSchedule(learningRate, null);
    }
  }

  @Override
  public void update(int bucket, Tensor parameters, Tensor gradients) {
    List<Block> own = blocks.get(bucket);
    if (parameters.place() == Tensor.Place.HOST) {
      update(own, new Window(parameters, gradients, 0));
      return;
    }
    for (int from = 0; from < own.size(); from += STAGED_BLOCKS) {
      updateStaged(
          own.subList(from, Math.min(own.size(), from + STAGED_BLOCKS)), parameters, gradients);
    }
  }

  /** ND4J's loops reach the host's memory only. */
  private void updateStaged(List<Block> some, Tensor parameters, Tensor gradients) {
    long from = some.get(0).offset();
    Block last = some.get(some.size() - 1);
    long size = last.offset() + last.count() - from;
    try (Arena staging = new Arena("parameters on their way through an updater")) {
      Tensor hostParameters = staging.allocate(DType.F32, size);
      Tensor hostGradients = staging.allocate(DType.F32, size);
      vectors.copy(parameters.view(from, size), hostParameters);
      vectors.copy(gradients.view(from, size), hostGradients);
      update(some, new Window(hostParameters, hostGradients, from));
      vectors.copy(hostParameters, parameters.view(from, size));
    }
  }

  private void update(List<Block> some, Window window) {
    threads.forEach(
        some.size(),
        (index, thread) -> {
          Block block = some.get(index);
          Bench bench = benches.get(thread).computeIfAbsent(block.count(), this::newBench);
          update(block, bench, window);
        });
  }

  private void update(Block block, Bench bench, Window window) {
    Tensor parameters = window.parameters();
    Tensor gradients = window.gradients();
    long start = block.offset() - window.from();
    for (int i = 0; i < block.count(); i++) {
      bench.values().setFloat(i, gradients.getFloat(start + i) * gradientScale);
    }
    bench.state().forEach((name, values) -> values.copyFrom(stateOf(name, block)));
    bench.updater().applyUpdater(bench.update(), Math.toIntExact(steps - 1), 0);
    bench.state().forEach((name, values) -> stateOf(name, block).copyFrom(values));
    for (ParameterLayout.Stretch stretch : block.stretches()) {
      float factor = stretch.decayed() ? decay : 1f;
      for (long i = stretch.from(); i < stretch.to(); i++) {
        float update = bench.values().getFloat(i - block.offset());
        long place = i - window.from();
        parameters.setFloat(place, parameters.getFloat(place) * factor - update);
      }
    }
  }

  private Tensor stateOf(String name, Block block) {
    return state.get(name).view(block.stateOffset(), block.count());
  }

  private Bench newBench(int count) {
    INDArray update = Nd4j.create(DataType.FLOAT, 1, count);
    Map<String, INDArray> arrays = new HashMap<>();
    Map<String, Tensor> tensors = new HashMap<>();
    for (String name : state.keySet()) {
      INDArray array = Nd4j.create(DataType.FLOAT, 1, count);
      arrays.put(name, array);
      tensors.put(name, tensor(array));
    }
    GradientUpdater<?> own =
        arrays.isEmpty()
            ? updater.instantiate((INDArray) null, false)
            : updater.instantiate(arrays, false);
    return new Bench(own, update, tensor(update), tensors);
  }

  /** What the updater remembers of a parameter before the first step, by name. */
  private SortedMap<String, Float> initialState() {
    SortedMap<String, Float> initial = new TreeMap<>();
    long size = updater.stateSize(1);
    if (size > 0) {
      INDArray view = Nd4j.create(DataType.FLOAT, 1, size);
      GradientUpdater<?> fresh = fresh(updater, view);
      fresh.getState().forEach((name, value) -> initial.put(name, value.getFloat(0)));
    }
    return initial;
  }

  /**
   * An updater in its initial state.
   *
   * @param state {@code (1, n)}, filled in
   */
  static GradientUpdater<?> fresh(IUpdater updater, INDArray state) {
    if (updater instanceof AdaBelief belief) {
      // AdaBelief.instantiate of ND4J 1.0.0-M2.1 fails for every array.
      GradientUpdater<?> made = new AdaBeliefUpdater(belief);
      made.setStateViewArray(state, new long[] {1, state.length() / 2}, 'c', true);
      return made;
    }
    return updater.instantiate(state, true);
  }

  private Tensor filled(float value) {
    Tensor tensor = arena.allocate(DType.F32, ownership.ownedSize());
    for (long i = 0; value != 0 && i < tensor.size(); i++) {
      tensor.setFloat(i, value);
    }
    return tensor;
  }

  /** An array of ND4J's that has a buffer of its own, as a tensor. */
  private static Tensor tensor(INDArray array) {
    return Tensor.at(DType.F32, array.data().address(), array.length());
  }

  private static List<Block> blocks(ParameterLayout layout, Ownership.Slice slice) {
    List<Block> blocks = new ArrayList<>();
    Slices.Range range = slice.range();
    for (long from = range.from(); from < range.to(); from += Slices.ALIGNMENT) {
      long to = Math.min(range.to(), from + Slices.ALIGNMENT);
      blocks.add(
          new Block(
              from,
              slice.stateOffset() + from - range.from(),
              (int) (to - from),
              layout.stretches(new Slices.Range(from, to))));
    }
    return List.copyOf(blocks);
  }

  @Override
  public void close() {
    threads.close();
    arena.close();
  }
}
