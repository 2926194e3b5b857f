package org.sparktune.jobs.serve;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** Documents that wait for a worker, at most so many, in the order in which they came. */
final class ScoreQueue {
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final ArrayDeque<ScoreRequest.Document> waiting = new ArrayDeque<>();
  private final int capacity;
  private final int workers;
  private boolean closed;

  /**
   * @param capacity documents
   * @param workers that share them
   */
  ScoreQueue(int capacity, int workers) {
    this.capacity = capacity;
    this.workers = workers;
  }

  int capacity() {
    return capacity;
  }

  /** How many wait. */
  int size() {
    lock.lock();
    try {
      return waiting.size();
    } finally {
      lock.unlock();
    }
  }

  /** Takes all of a request's documents, or none where they are too many. */
  boolean offer(List<ScoreRequest.Document> documents) {
    lock.lock();
    try {
      if (closed || waiting.size() + documents.size() > capacity) {
        return false;
      }
      waiting.addAll(documents);
      changed.signalAll();
      return true;
    } finally {
      lock.unlock();
    }
  }

  /**
   * Waits for documents: until there are enough for a batch, or until the oldest has waited long
   * enough. Where few wait, every worker gets a part of them.
   *
   * @return none when the queue was closed and is empty
   */
  List<ScoreRequest.Document> take(int most, long waitNanos) throws InterruptedException {
    lock.lockInterruptibly();
    try {
      while (true) {
        dropAnswered();
        if (waiting.isEmpty()) {
          if (closed) {
            return List.of();
          }
          changed.await();
          continue;
        }
        long left = waiting.peek().arrivalNanos() + waitNanos - System.nanoTime();
        if (waiting.size() >= most || left <= 0 || closed) {
          return poll(Math.min(most, (waiting.size() + workers - 1) / workers));
        }
        changed.await(left, TimeUnit.NANOSECONDS);
      }
    } finally {
      lock.unlock();
    }
  }

  private List<ScoreRequest.Document> poll(int count) {
    List<ScoreRequest.Document> taken = new ArrayList<>(count);
    while (taken.size() < count && !waiting.isEmpty()) {
      taken.add(waiting.remove());
      dropAnswered();
    }
    return taken;
  }

  /** Nobody waits any more for what has timed out. */
  private void dropAnswered() {
    while (!waiting.isEmpty() && waiting.peek().request().isAnswered()) {
      waiting.remove();
    }
  }

  /** Takes nothing more; what waits is still handed out. */
  void close() {
    lock.lock();
    try {
      closed = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }
}
