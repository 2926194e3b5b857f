package org.sparktune.jobs.spark;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.IntSupplier;
import org.apache.spark.scheduler.SparkListener;
import org.apache.spark.scheduler.SparkListenerExecutorAdded;
import org.apache.spark.scheduler.SparkListenerExecutorRemoved;

/** Notices executors that come and go. */
public final class ExecutorWatch extends SparkListener {
  /** Slots may also come free without an executor coming. */
  private static final long RECHECK_NANOS = TimeUnit.MILLISECONDS.toNanos(500);

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<String> losses = new ArrayList<>();

  @Override
  public void onExecutorAdded(SparkListenerExecutorAdded added) {
    lock.lock();
    try {
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  @Override
  public void onExecutorRemoved(SparkListenerExecutorRemoved removed) {
    lock.lock();
    try {
      losses.add("executor %s: %s".formatted(removed.executorId(), removed.reason()));
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** What was lost since this was last asked, in words; empty if nothing was. */
  String takeLosses() {
    lock.lock();
    try {
      String words = String.join("; ", losses);
      losses.clear();
      return words;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits until there are so many slots.
   *
   * @param slots asked again whenever executors come or go
   * @param patience how long, in nanoseconds
   * @return how many there are in the end, which may be fewer
   */
  int awaitSlots(int wanted, long patience, IntSupplier slots) throws InterruptedException {
    long end = System.nanoTime() + patience;
    lock.lock();
    try {
      while (true) {
        int found = slots.getAsInt();
        long left = end - System.nanoTime();
        if (found >= wanted || left <= 0) {
          return found;
        }
        long unused = changed.awaitNanos(Math.min(left, RECHECK_NANOS));
      }
    } finally {
      lock.unlock();
    }
  }
}
