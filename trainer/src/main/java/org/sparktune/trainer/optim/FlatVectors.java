package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.sparktune.trainer.engine.cpu.vector.ElementKernels;
import org.sparktune.trainer.engine.cpu.vector.OptimizerKernels;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Arithmetic on flat F32 vectors of any length, in blocks of fixed size that threads take one by
 * one. What a block computes depends on nothing but its place, and sums are added up in block
 * order, so the bits are the same on any number of threads. To be called from one thread.
 */
public final class FlatVectors implements AutoCloseable {
  /** Elements of a block: large enough to hide the hand-over, small enough to share evenly. */
  static final int BLOCK = 1 << 16;

  private final Kernels[] kernels;
  private final ExecutorService pool;
  private double[] blockSums = {};

  /**
   * @param threads how many threads work, the caller's included
   */
  public FlatVectors(int threads) {
    this.kernels = new Kernels[threads];
    for (int i = 0; i < threads; i++) {
      kernels[i] = new Kernels(new OptimizerKernels(), new ElementKernels());
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

  /** The sum of the squares of a vector's elements, in double precision. */
  public double squaredNorm(Tensor vector) {
    long size = vector.size();
    int blocks = blocks(size);
    if (blockSums.length < blocks) {
      blockSums = new double[blocks];
    }
    double[] sums = blockSums;
    forEachBlock(
        blocks,
        (block, thread) -> {
          long from = (long) block * BLOCK;
          int count = (int) Math.min(BLOCK, size - from);
          sums[block] =
              thread.optimizer().squaredNorm(vector.address() + from * Float.BYTES, count);
        });
    double sum = 0;
    for (int block = 0; block < blocks; block++) {
      sum += sums[block];
    }
    return sum;
  }

  /** {@code into += vector}, element by element. */
  public void add(Tensor into, Tensor vector) {
    requireSameSize(into, vector);
    long size = into.size();
    forEachBlock(
        blocks(size),
        (block, thread) -> {
          long offset = (long) block * BLOCK * Float.BYTES;
          int count = (int) Math.min(BLOCK, size - (long) block * BLOCK);
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
  record Kernels(OptimizerKernels optimizer, ElementKernels elements) {}

  /** Works on one block with the calling thread's kernels. */
  interface BlockTask {
    void run(int block, Kernels kernels);
  }
}
