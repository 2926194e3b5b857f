package org.sparktune.trainer.engine.cpu;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * Threads that take the blocks of a long vector one by one, the caller's among them; the others are
 * started when they are first needed. To be called from one thread.
 */
public final class BlockThreads implements AutoCloseable {
  private final int count;
  private ExecutorService pool;

  /** Works on one block; {@code thread} is the working thread's index, from 0. */
  public interface Task {
    /** Works on a block. */
    void run(int block, int thread);
  }

  /**
   * @param count how many threads work, the caller's included
   */
  public BlockThreads(int count) {
    this.count = count;
  }

  /** How many threads work. */
  public int count() {
    return count;
  }

  /** Runs a task for blocks 0 to {@code blocks - 1}; returns when all are done. */
  public void forEach(int blocks, Task task) {
    AtomicInteger next = new AtomicInteger();
    int helpers = Math.min(count, blocks) - 1;
    List<Future<?>> running = new ArrayList<>(count);
    for (int helper = 1; helper <= helpers; helper++) {
      int thread = helper;
      running.add(pool().submit(() -> takeBlocks(next, blocks, task, thread)));
    }
    try {
      takeBlocks(next, blocks, task, 0);
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

  private static void takeBlocks(AtomicInteger next, int blocks, Task task, int thread) {
    for (int block = next.getAndIncrement(); block < blocks; block = next.getAndIncrement()) {
      task.run(block, thread);
    }
  }

  private ExecutorService pool() {
    if (pool == null) {
      pool =
          Executors.newFixedThreadPool(
              count - 1,
              work -> {
                Thread thread = new Thread(work, "optimizer");
                thread.setDaemon(true);
                return thread;
              });
    }
    return pool;
  }

  @Override
  public void close() {
    if (pool != null) {
      pool.shutdownNow();
    }
  }
}
