package org.sparktune.jobs.ranks;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.BrokenBarrierException;
import java.util.concurrent.Callable;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;

/** Ranks that are threads of a test. */
final class ThreadPeers implements Peers {
  private static final long PATIENCE_SECONDS = 60;

  private final int rank;
  private final String[] messages;
  private final CyclicBarrier barrier;

  private ThreadPeers(int rank, String[] messages, CyclicBarrier barrier) {
    this.rank = rank;
    this.messages = messages;
    this.barrier = barrier;
  }

  /** Lets every rank do something at the same time; gives each one's result or exception. */
  static List<Object> run(int ranks, Function<Peers, Object> work) {
    String[] messages = new String[ranks];
    CyclicBarrier barrier = new CyclicBarrier(ranks);
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<Object>> futures = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        Peers peers = new ThreadPeers(rank, messages, barrier);
        Callable<Object> call = () -> work.apply(peers);
        futures.add(threads.submit(call));
      }
      List<Object> results = new ArrayList<>();
      for (Future<Object> future : futures) {
        results.add(outcome(future));
      }
      return results;
    } finally {
      threads.shutdownNow();
    }
  }

  private static Object outcome(Future<Object> future) {
    try {
      return future.get(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (ExecutionException e) {
      return e.getCause();
    } catch (TimeoutException e) {
      throw new AssertionError("A rank hangs", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted", e);
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return messages.length;
  }

  @Override
  public List<String> exchange(String message) {
    messages[rank] = message;
    await();
    List<String> all = List.of(messages);
    // Nobody writes the next message before all have read this one.
    await();
    return all;
  }

  private void await() {
    try {
      barrier.await(PATIENCE_SECONDS, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new AssertionError("Interrupted", e);
    } catch (BrokenBarrierException | TimeoutException e) {
      throw new AssertionError("A rank did not come", e);
    }
  }
}
