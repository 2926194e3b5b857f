package org.sparktune.trainer.engine.cpu;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * A fixed set of threads that take the tasks of one parallel section from a shared counter; the
 * calling thread is one of them. Which thread runs a task never changes its result: tasks are cut
 * by sizes alone and each writes its own part. Sections are started by one thread at a time.
 */
final class Workers implements AutoCloseable {
  /**
   * Long enough to bridge the gap between two operators, short enough to leave a core to others.
   */
  private static final long SPIN_NANOS = 30_000;

  /** One piece of a parallel section. */
  interface Task {
    void run(int index, Worker worker);
  }

  private final Gemm.Provider provider;
  private final Worker[] workers;
  private final Thread[] threads;
  private final AtomicInteger next = new AtomicInteger();
  private final AtomicInteger running = new AtomicInteger();
  private final AtomicInteger section = new AtomicInteger();
  private volatile boolean closed;
  private volatile Throwable failure;
  private volatile Thread caller;
  private Task task;
  private int tasks;

  Workers(int count, Gemm.Provider provider) {
    this.provider = provider;
    workers = new Worker[count];
    threads = new Thread[count - 1];
    for (int i = 0; i < count; i++) {
      workers[i] = new Worker(provider);
    }
    for (int i = 0; i < threads.length; i++) {
      Worker worker = workers[i + 1];
      threads[i] = new Thread(() -> serve(worker), "sparktune-engine-" + (i + 1));
      threads[i].setDaemon(true);
      threads[i].start();
    }
  }

  int count() {
    return workers.length;
  }

  /** Runs tasks 0 to {@code count - 1}; returns when all are done. */
  synchronized void run(int count, Task work) {
    if (closed) {
      throw new IllegalStateException("The engine is closed");
    }
    int restore = provider.enter();
    try {
      if (count == 1 || threads.length == 0) {
        for (int i = 0; i < count; i++) {
          work.run(i, workers[0]);
        }
      } else {
        runTogether(count, work);
      }
    } finally {
      provider.leave(restore);
    }
  }

  private void runTogether(int count, Task work) {
    task = work;
    tasks = count;
    failure = null;
    caller = Thread.currentThread();
    next.set(0);
    running.set(threads.length);
    section.incrementAndGet();
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
    drain(workers[0]);
    await(() -> running.get() == 0);
    task = null;
    Throwable thrown = failure;
    if (thrown instanceof RuntimeException runtime) {
      throw runtime;
    } else if (thrown instanceof Error error) {
      throw error;
    }
  }

  private void serve(Worker worker) {
    int seen = 0;
    while (true) {
      int last = seen;
      await(() -> section.get() != last || closed);
      if (closed) {
        return;
      }
      seen = section.get();
      drain(worker);
      if (running.decrementAndGet() == 0) {
        LockSupport.unpark(caller);
      }
    }
  }

  private void drain(Worker worker) {
    Task work = task;
    int count = tasks;
    try {
      for (int i = next.getAndIncrement(); i < count; i = next.getAndIncrement()) {
        work.run(i, worker);
      }
    } catch (RuntimeException | Error e) {
      next.set(count);
      failure = e;
    }
  }

  private interface Condition {
    boolean holds();
  }

  private static void await(Condition condition) {
    long start = System.nanoTime();
    while (!condition.holds()) {
      if (System.nanoTime() - start < SPIN_NANOS) {
        Thread.onSpinWait();
      } else {
        LockSupport.park();
      }
    }
  }

  @Override
  public synchronized void close() {
    if (closed) {
      return;
    }
    closed = true;
    boolean interrupted = false;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
    for (Thread thread : threads) {
      while (thread.isAlive()) {
        try {
          thread.join();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    for (Worker worker : workers) {
      worker.close();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
