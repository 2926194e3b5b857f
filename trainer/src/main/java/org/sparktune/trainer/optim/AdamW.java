package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * AdamW (Loshchilov and Hutter 2019) with PyTorch's arithmetic: decay decoupled from the moments,
 * both moments bias-corrected, epsilon outside the root. Only the parameters the layout marks as
 * decayed decay.
 */
public final class AdamW implements Optimizer {
  private final AdamWOptions options;
  private final VectorOperators vectors;
  private final Ownership ownership;
  private final TensorArena arena;
  private final Tensor first;
  private final Tensor second;
  private final List<List<VectorOperators.Stretch>> stretches = new ArrayList<>();
  private long steps;
  private VectorOperators.AdamWStep factors;

  /** Allocates zero moments for all parameters. */
  public AdamW(ParameterLayout layout, AdamWOptions options, VectorOperators vectors) {
    this(layout, Ownership.whole(layout.size()), options, vectors);
  }

  /**
   * Allocates zero moments, eight bytes for each owned parameter, beside the parameters.
   *
   * @param ownership what is updated
   * @param vectors does the arithmetic, where the parameters are
   */
  public AdamW(
      ParameterLayout layout, Ownership ownership, AdamWOptions options, VectorOperators vectors) {
    this.options = options;
    this.vectors = vectors;
    this.ownership = ownership;
    this.arena = vectors.arena("AdamW's moments");
    this.first = arena.allocate(DType.F32, ownership.ownedSize());
    this.second = arena.allocate(DType.F32, ownership.ownedSize());
    for (Ownership.Slice slice : ownership.slices()) {
      stretches.add(stretches(layout, slice));
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
        new ShardedVector("exp_avg", ownership.size(), ownership.ranges(), first, vectors),
        new ShardedVector("exp_avg_sq", ownership.size(), ownership.ranges(), second, vectors));
  }

  @Override
  public long stateBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void begin(double learningRate, double gradientScale) {
    steps++;
    factors =
        new VectorOperators.AdamWStep(
            (float) gradientScale,
            (float) (1.0 - learningRate * options.weightDecay()),
            (float) (1.0 - options.beta1()),
            (float) options.beta2(),
            (float) (1.0 - options.beta2()),
            (float) Math.sqrt(1.0 - StrictMath.pow(options.beta2(), (double) steps)),
            (float) options.epsilon(),
            (float) (-learningRate / (1.0 - StrictMath.pow(options.beta1(), (double) steps))));
  }

  @Override
  public void update(int bucket, Tensor parameters, Tensor gradients) {
    vectors.adamW(factors, stretches.get(bucket), parameters, gradients, first, second);
  }

  @Override
  public void close() {
    arena.close();
  }

  private static List<VectorOperators.Stretch> stretches(
      ParameterLayout layout, Ownership.Slice slice) {
    List<VectorOperators.Stretch> stretches = new ArrayList<>();
    for (ParameterLayout.Stretch stretch : layout.stretches(slice.range())) {
      stretches.add(
          new VectorOperators.Stretch(
              stretch.from(),
              slice.stateOffset() + stretch.from() - slice.range().from(),
              stretch.to() - stretch.from(),
              stretch.decayed()));
    }
    return List.copyOf(stretches);
  }
}
