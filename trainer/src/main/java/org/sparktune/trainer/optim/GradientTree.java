package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Sums the gradients of a step's micro-batches in one fixed binary tree over their index: leaves 2i
 * and 2i + 1 first, then pairs of those, and so on, a missing leaf counting as zero.
 *
 * <pre>
 *   0   1   2   3   4   5
 *    \ /     \ /     \ /
 *     +       +       +
 *      \     /        |
 *         +           |
 *           \        /
 *                +
 * </pre>
 *
 * A rank that owns an aligned run of 2^k leaves computes exactly one node of the tree, so any
 * power-of-two number of ranks adds the same numbers in the same order. Works like a binary
 * counter: one partial sum for each set bit of the leaves seen, log₂ of the leaves at most, none
 * for a single leaf.
 */
public final class GradientTree implements AutoCloseable {
  private final VectorOperators vectors;
  private final TensorArena arena;
  private final List<Tensor> partials = new ArrayList<>();
  private final Tensor gradients;
  private int seen;

  /**
   * @param gradients {@code (P)} F32: holds each micro-batch's gradient in turn, in the end the sum
   * @param maximumLeaves most micro-batches of a step that are summed here
   * @param vectors does the arithmetic, where the gradients are
   */
  public GradientTree(Tensor gradients, int maximumLeaves, VectorOperators vectors) {
    this.gradients = gradients;
    this.vectors = vectors;
    this.arena = vectors.arena("partial gradient sums");
    for (int level = partialSums(maximumLeaves); level > 0; level--) {
      partials.add(arena.allocate(DType.F32, gradients.size()));
    }
  }

  /** How many partial sums, each as long as the gradient, have to be held. */
  public static int partialSums(int maximumLeaves) {
    return Integer.SIZE - Integer.numberOfLeadingZeros(Math.max(1, maximumLeaves) - 1);
  }

  /** Begins a step: zeroes the gradients for the first micro-batch. */
  public void begin() {
    seen = 0;
    vectors.zero(gradients);
  }

  /** Takes up a micro-batch's gradient and zeroes the vector for the next one. */
  public void next() {
    int level = 0;
    for (; (seen >> level & 1) == 1; level++) {
      vectors.add(partials.get(level), gradients);
    }
    vectors.copy(gradients, partials.get(level));
    vectors.zero(gradients);
    seen++;
  }

  /** Takes up the last micro-batch's gradient: the vector then holds the sum of all. */
  public void finish() {
    finish(new Range(0, gradients.size()));
  }

  /**
   * Takes up a part of the last micro-batch's gradient, as soon as that part is complete.
   *
   * @param range not finished before in this step
   */
  public void finish(Range range) {
    Tensor part = gradients.view(range.from(), range.size());
    for (int level = 0; seen >> level != 0; level++) {
      if ((seen >> level & 1) == 1) {
        vectors.add(partials.get(level).view(range.from(), range.size()), part);
      }
    }
  }

  /** Sums numbers, such as losses, in the same tree. */
  public static double sum(double[] leaves) {
    return sum(leaves, 0, Math.max(1, Integer.highestOneBit(Math.max(1, leaves.length - 1)) * 2));
  }

  private static double sum(double[] leaves, int from, int width) {
    if (from >= leaves.length) {
      return 0;
    }
    return width == 1
        ? leaves[from]
        : sum(leaves, from, width / 2) + sum(leaves, from + width / 2, width / 2);
  }

  @Override
  public void close() {
    arena.close();
  }
}
