package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * AdamW (Loshchilov and Hutter 2019) with PyTorch's arithmetic: decay decoupled from the moments,
 * both moments bias-corrected, epsilon outside the root. Only the parameters the layout marks as
 * decayed decay.
 */
public final class AdamW implements AutoCloseable {
  private final AdamWOptions options;
  private final FlatVectors vectors;
  private final Arena arena = new Arena("AdamW's moments");
  private final Tensor first;
  private final Tensor second;
  private final List<Block> blocks;
  private long steps;

  /** A stretch of parameters that are treated alike. */
  private record Block(long offset, int count, boolean decayed) {}

  /**
   * Allocates zero moments, eight bytes a parameter, off the heap.
   *
   * @param vectors does the arithmetic
   */
  public AdamW(ParameterLayout layout, AdamWOptions options, FlatVectors vectors) {
    this.options = options;
    this.vectors = vectors;
    this.first = arena.allocate(DType.F32, layout.size());
    this.second = arena.allocate(DType.F32, layout.size());
    this.blocks = blocks(layout);
  }

  /** Exponential average of gradients, {@code (P)}, F32; PyTorch's {@code exp_avg}. */
  public Tensor firstMoments() {
    return first;
  }

  /** Exponential average of squared gradients, {@code (P)}, F32; PyTorch's {@code exp_avg_sq}. */
  public Tensor secondMoments() {
    return second;
  }

  /** Steps made. */
  public long steps() {
    return steps;
  }

  /** Says that the moments now hold what they held after this many steps. */
  public void restore(long stepsMade) {
    steps = stepsMade;
  }

  /**
   * Makes one step.
   *
   * @param parameters {@code (P)} F32, updated
   * @param gradients {@code (P)} F32, read
   * @param learningRate this step's rate
   * @param gradientScale factor on the gradients, from {@link GradientClipping}
   */
  public void step(Tensor parameters, Tensor gradients, double learningRate, double gradientScale) {
    steps++;
    float decayFactor = (float) (1.0 - learningRate * options.weightDecay());
    float firstWeight = (float) (1.0 - options.beta1());
    float secondWeight = (float) (1.0 - options.beta2());
    float rootCorrection = (float) Math.sqrt(1.0 - StrictMath.pow(options.beta2(), (double) steps));
    float negativeStep =
        (float) (-learningRate / (1.0 - StrictMath.pow(options.beta1(), (double) steps)));
    vectors.forEachBlock(
        blocks.size(),
        (index, kernels) -> {
          Block block = blocks.get(index);
          long offset = block.offset() * Float.BYTES;
          kernels
              .optimizer()
              .adamW(
                  parameters.address() + offset,
                  gradients.address() + offset,
                  first.address() + offset,
                  second.address() + offset,
                  block.count(),
                  (float) gradientScale,
                  block.decayed() ? decayFactor : 1f,
                  firstWeight,
                  (float) options.beta2(),
                  secondWeight,
                  rootCorrection,
                  (float) options.epsilon(),
                  negativeStep);
        });
  }

  @Override
  public void close() {
    arena.close();
  }

  private static List<Block> blocks(ParameterLayout layout) {
    List<Block> blocks = new ArrayList<>();
    long start = 0;
    boolean decayed = false;
    for (ParameterLayout.Entry entry : layout.entries()) {
      if (entry.decayed() != decayed) {
        cut(blocks, start, entry.offset(), decayed);
        start = entry.offset();
        decayed = entry.decayed();
      }
    }
    cut(blocks, start, layout.size(), decayed);
    return List.copyOf(blocks);
  }

  private static void cut(List<Block> blocks, long from, long to, boolean decayed) {
    for (long offset = from; offset < to; offset += FlatVectors.BLOCK) {
      blocks.add(new Block(offset, (int) Math.min(FlatVectors.BLOCK, to - offset), decayed));
    }
  }
}
