package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.cpu.vector.ElementKernels;
import org.sparktune.trainer.engine.cpu.vector.OptimizerKernels;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Arithmetic on flat F32 vectors of any length, in blocks of fixed size that threads take one by
 * one. What a block computes depends on nothing but its place, and sums over blocks are exact, so
 * the bits are the same on any number of threads. To be called from one thread.
 */
public final class FlatVectors implements AutoCloseable {
  /** Elements of a block: large enough to hide the hand-over, small enough to share evenly. */
  static final int BLOCK = 1 << 16;

  private final Kernels[] kernels;
  private final ExecutorService pool;

  /**
   * @param threads how many threads work, the caller's included
   */
  public FlatVectors(int threads) {
    this.kernels = new Kernels[threads];
    for (int i = 0; i < threads; i++) {
      kernels[i] = new Kernels(i, new OptimizerKernels(), new ElementKernels(), new ExactSum());
    }
    this.pool =
        threads == 1
            ? null
            : Executors.newFixedThreadPool(
                threads - 1,
                task -> {
                  Thread thread = new Thread(task, "optimizer");
                  thread.setDaemon(true);
                  return thread;
                });
  }

  /** The sum of the squares of a vector's elements. */
  public double squaredNorm(Tensor vector) {
    ExactSum sum = new ExactSum();
    addSquares(vector, new Range(0, vector.size()), sum);
    return sum.value();
  }

  /**
   * Adds the squares of a range of a vector's elements: each run of {@link Slices#ALIGNMENT}
   * elements, counted from the vector's beginning, is summed in double precision, and those sums
   * are added exactly. So the bits don't depend on how the vector is cut into ranges.
   *
   * @param range begins at a multiple of {@link Slices#ALIGNMENT} and ends at one or at the
   *     vector's end
   */
  public void addSquares(Tensor vector, Range range, ExactSum sum) {
    forEachBlock(
        blocks(range.size()),
        (block, thread) -> {
          long from = range.from() + (long) block * BLOCK;
          long to = Math.min(range.to(), from + BLOCK);
          for (long run = from; run < to; run += Slices.ALIGNMENT) {
            int count = (int) Math.min(Slices.ALIGNMENT, to - run);
            long address = vector.address() + run * Float.BYTES;
            thread.squares().add(thread.optimizer().squaredNorm(address, count));
          }
        });
    for (Kernels thread : kernels) {
      sum.add(thread.squares());
      thread.squares().clear();
    }
  }

  /** {@code into += vector}, element by element. */
  public void add(Tensor into, Tensor vector) {
    add(into, vector, new Range(0, into.size()));
  }

  /** {@code into += vector} in a range. */
  public void add(Tensor into, Tensor vector, Range range) {
    requireSameSize(into, vector);
    forEachBlock(
        blocks(range.size()),
        (block, thread) -> {
          long begin = (long) block * BLOCK;
          long offset = (range.from() + begin) * Float.BYTES;
          int count = (int) Math.min(BLOCK, range.size() - begin);
          thread.elements().add(vector.address() + offset, into.address() + offset, count);
        });
  }

  /** {@code into = vector}. */
  public void copy(Tensor into, Tensor vector) {
    requireSameSize(into, vector);
    Memory.copy(vector.address(), into.address(), vector.byteSize());
  }

  @Override
  public void close() {
    if (pool != null) {
      pool.shutdownNow();
    }
  }

  /** How many threads work. */
  int threads() {
    return kernels.length;
  }

  /** Runs a task for blocks 0 to {@code count - 1}, on all threads. */
  void forEachBlock(int count, BlockTask task) {
    AtomicInteger next = new AtomicInteger();
    int helpers = Math.min(kernels.length, count) - 1;
    List<Future<?>> running = new ArrayList<>(kernels.length);
    for (int helper = 1; helper <= helpers; helper++) {
      Kernels own = kernels[helper];
      running.add(pool.submit(() -> takeBlocks(next, count, task, own)));
    }
    try {
      takeBlocks(next, count, task, kernels[0]);
      for (Future<?> helper : running) {
        helper.get();
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("Interrupted in the middle of an optimizer step", e);
    } catch (ExecutionException e) {
      throw new IllegalStateException("An optimizer thread failed", e.getCause());
    }
  }

  private static void takeBlocks(AtomicInteger next, int count, BlockTask task, Kernels own) {
    for (int block = next.getAndIncrement(); block < count; block = next.getAndIncrement()) {
      task.run(block, own);
    }
  }

  private static int blocks(long size) {
    return Math.toIntExact((size + BLOCK - 1) / BLOCK);
  }

  private static void requireSameSize(Tensor a, Tensor b) {
    if (a.byteSize() != b.byteSize()) {
      throw new IllegalArgumentException("%s and %s differ in size".formatted(a, b));
    }
  }

  /** One thread's kernels. */
  record Kernels(
      int thread, OptimizerKernels optimizer, ElementKernels elements, ExactSum squares) {}

  /** Works on one block with the calling thread's kernels. */
  interface BlockTask {
    void run(int block, Kernels kernels);
  }
}
