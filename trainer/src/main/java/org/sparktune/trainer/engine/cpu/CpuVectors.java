package org.sparktune.trainer.engine.cpu;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.engine.cpu.vector.ElementKernels;
import org.sparktune.trainer.engine.cpu.vector.OptimizerKernels;
import org.sparktune.trainer.memory.Tensor;

/**
 * Arithmetic on flat F32 vectors of any length, in blocks of fixed size that threads take one by
 * one. Sums over blocks are exact, so the bits are the same on any number of threads.
 */
public final class CpuVectors implements VectorOperators, AutoCloseable {
  /** Elements of a block: large enough to hide the hand-over, small enough to share evenly. */
  static final int BLOCK = 1 << 16;

  private final BlockThreads threads;
  private final Kernels[] kernels;

  /** One thread's kernels. */
  private record Kernels(OptimizerKernels optimizer, ElementKernels elements, ExactSum squares) {}

  /**
   * @param threads how many threads work, the caller's included
   */
  public CpuVectors(int threads) {
    this.threads = new BlockThreads(threads);
    this.kernels = new Kernels[threads];
    for (int i = 0; i < threads; i++) {
      kernels[i] = new Kernels(new OptimizerKernels(), new ElementKernels(), new ExactSum());
    }
  }

  @Override
  public void addSquares(Tensor vector, Range range, ExactSum sum) {
    threads.forEach(
        blocks(range.size()),
        (block, thread) -> {
          Kernels own = kernels[thread];
          long from = range.from() + (long) block * BLOCK;
          long to = Math.min(range.to(), from + BLOCK);
          for (long run = from; run < to; run += Slices.ALIGNMENT) {
            int count = (int) Math.min(Slices.ALIGNMENT, to - run);
            long address = vector.address() + run * Float.BYTES;
            own.squares().add(own.optimizer().squaredNorm(address, count));
          }
        });
    for (Kernels thread : kernels) {
      sum.add(thread.squares());
      thread.squares().clear();
    }
  }

  @Override
  public void add(Tensor x, Tensor y) {
    if (x.byteSize() != y.byteSize()) {
      throw new IllegalArgumentException("%s and %s differ in size".formatted(x, y));
    }
    threads.forEach(
        blocks(x.size()),
        (block, thread) -> {
          long begin = (long) block * BLOCK;
          long offset = begin * Float.BYTES;
          int count = (int) Math.min(BLOCK, x.size() - begin);
          kernels[thread].elements().add(x.address() + offset, y.address() + offset, count);
        });
  }

  @Override
  public void adamW(
      AdamWStep step,
      List<Stretch> stretches,
      Tensor parameters,
      Tensor gradients,
      Tensor first,
      Tensor second) {
    List<Stretch> blocks = cut(stretches);
    threads.forEach(
        blocks.size(),
        (index, thread) -> {
          Stretch block = blocks.get(index);
          long offset = block.from() * Float.BYTES;
          long stateOffset = block.stateFrom() * Float.BYTES;
          kernels[thread]
              .optimizer()
              .adamW(
                  parameters.address() + offset,
                  gradients.address() + offset,
                  first.address() + stateOffset,
                  second.address() + stateOffset,
                  (int) block.size(),
                  step.gradientScale(),
                  block.decayed() ? step.decayFactor() : 1f,
                  step.firstWeight(),
                  step.secondDecay(),
                  step.secondWeight(),
                  step.rootCorrection(),
                  step.epsilon(),
                  step.negativeStep());
        });
  }

  private static List<Stretch> cut(List<Stretch> stretches) {
    List<Stretch> blocks = new ArrayList<>();
    for (Stretch stretch : stretches) {
      for (long done = 0; done < stretch.size(); done += BLOCK) {
        blocks.add(
            new Stretch(
                stretch.from() + done,
                stretch.stateFrom() + done,
                Math.min(BLOCK, stretch.size() - done),
                stretch.decayed()));
      }
    }
    return blocks;
  }

  private static int blocks(long size) {
    return Math.toIntExact((size + BLOCK - 1) / BLOCK);
  }

  @Override
  public void close() {
    threads.close();
  }
}
