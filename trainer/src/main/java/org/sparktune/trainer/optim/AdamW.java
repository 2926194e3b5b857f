package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * AdamW (Loshchilov and Hutter 2019) with PyTorch's arithmetic: decay decoupled from the moments,
 * both moments bias-corrected, epsilon outside the root. Only the parameters the layout marks as
 * decayed decay.
 */
public final class AdamW implements Optimizer {
  private final AdamWOptions options;
  private final FlatVectors vectors;
  private final Ownership ownership;
  private final Arena arena = new Arena("AdamW's moments");
  private final Tensor first;
  private final Tensor second;
  private final List<List<Block>> blocks = new ArrayList<>();
  private long steps;
  private Factors factors;

  /** A stretch of parameters that are treated alike. */
  private record Block(long offset, long stateOffset, int count, boolean decayed) {}

  /** A step's scalars, as {@code OptimizerKernels.adamW} takes them. */
  private record Factors(
      float gradientScale, float decay, float rootCorrection, float negativeStep) {}

  /** Allocates zero moments for all parameters. */
  public AdamW(ParameterLayout layout, AdamWOptions options, FlatVectors vectors) {
    this(layout, Ownership.whole(layout.size()), options, vectors);
  }

  /**
   * Allocates zero moments, eight bytes for each owned parameter, off the heap.
   *
   * @param ownership what is updated
   * @param vectors does the arithmetic
   */
  public AdamW(
      ParameterLayout layout, Ownership ownership, AdamWOptions options, FlatVectors vectors) {
    this.options = options;
    this.vectors = vectors;
    this.ownership = ownership;
    this.first = arena.allocate(DType.F32, ownership.ownedSize());
    this.second = arena.allocate(DType.F32, ownership.ownedSize());
    for (Ownership.Slice slice : ownership.slices()) {
      blocks.add(blocks(layout, slice));
    }
  }

  /** Exponential average of gradients of what is owned, F32; PyTorch's {@code exp_avg}. */
  public Tensor firstMoments() {
    return first;
  }

  /** Exponential average of squared gradients, F32; PyTorch's {@code exp_avg_sq}. */
  public Tensor secondMoments() {
    return second;
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
    return List.of(
        new ShardedVector("exp_avg", ownership.size(), ownership.ranges(), first),
        new ShardedVector("exp_avg_sq", ownership.size(), ownership.ranges(), second));
  }

  @Override
  public long stateBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void begin(double learningRate, double gradientScale) {
    steps++;
    factors =
        new Factors(
            (float) gradientScale,
            (float) (1.0 - learningRate * options.weightDecay()),
            (float) Math.sqrt(1.0 - StrictMath.pow(options.beta2(), (double) steps)),
            (float) (-learningRate / (1.0 - StrictMath.pow(options.beta1(), (double) steps))));
  }

  @Override
  public void update(int bucket, Tensor parameters, Tensor gradients) {
    List<Block> own = blocks.get(bucket);
    Factors step = factors;
    vectors.forEachBlock(
        own.size(),
        (index, kernels) -> {
          Block block = own.get(index);
          long offset = block.offset() * Float.BYTES;
          long stateOffset = block.stateOffset() * Float.BYTES;
          kernels
              .optimizer()
              .adamW(
                  parameters.address() + offset,
                  gradients.address() + offset,
                  first.address() + stateOffset,
                  second.address() + stateOffset,
                  block.count(),
                  step.gradientScale(),
                  block.decayed() ? step.decay() : 1f,
                  (float) (1.0 - options.beta1()),
                  (float) options.beta2(),
                  (float) (1.0 - options.beta2()),
                  step.rootCorrection(),
                  (float) options.epsilon(),
                  step.negativeStep());
        });
  }

  @Override
  public void close() {
    arena.close();
  }

  private static List<Block> blocks(ParameterLayout layout, Ownership.Slice slice) {
    List<Block> blocks = new ArrayList<>();
    for (ParameterLayout.Stretch stretch : layout.stretches(slice.range())) {
      for (long from = stretch.from(); from < stretch.to(); from += FlatVectors.BLOCK) {
        blocks.add(
            new Block(
                from,
                slice.stateOffset() + from - slice.range().from(),
                (int) Math.min(FlatVectors.BLOCK, stretch.to() - from),
                stretch.decayed()));
      }
    }
    return List.copyOf(blocks);
  }
}
