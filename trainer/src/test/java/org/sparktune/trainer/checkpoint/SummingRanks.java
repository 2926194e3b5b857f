package org.sparktune.trainer.checkpoint;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Pending;
import org.sparktune.trainer.memory.Tensor;

/** Ranks as threads that can do what checkpoints need: sum numbers. One that fails is lost. */
final class SummingRanks {
  private final int ranks;
  private long[] sums = {};
  private long meetings;
  private int arrived;
  private boolean lost;

  private SummingRanks(int ranks) {
    this.ranks = ranks;
  }

  /** What a rank does. */
  interface Work<T> {
    T run(Collective collective);
  }

  /** How a rank ended: with a value or with a failure. */
  record Ended<T>(T value, RuntimeException failure) {}

  /** Runs every rank and returns how each ended. */
  static <T> List<Ended<T>> run(int ranks, Work<T> work) {
    SummingRanks shared = new SummingRanks(ranks);
    ExecutorService pool = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<Ended<T>>> running = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        Member member = shared.new Member(rank);
        running.add(pool.submit(() -> shared.run(member, work)));
      }
      List<Ended<T>> ended = new ArrayList<>();
      for (Future<Ended<T>> future : running) {
        ended.add(future.get());
      }
      return ended;
    } catch (InterruptedException | ExecutionException e) {
      throw new IllegalStateException(e);
    } finally {
      pool.shutdownNow();
    }
  }

  /** Runs every rank; all must succeed. */
  static <T> List<T> values(int ranks, Work<T> work) {
    List<T> values = new ArrayList<>();
    for (Ended<T> ended : run(ranks, work)) {
      if (ended.failure() != null) {
        throw ended.failure();
      }
      values.add(ended.value());
    }
    return values;
  }

  private <T> Ended<T> run(Member member, Work<T> work) {
    try {
      return new Ended<>(work.run(member), null);
    } catch (RuntimeException e) {
      lose();
      return new Ended<>(null, e);
    }
  }

  /** Who meets while all are there goes on, whatever happens to the others then. */
  private synchronized void await() {
    long own = meetings;
    if (!lost && ++arrived == ranks) {
      arrived = 0;
      meetings++;
      notifyAll();
    }
    while (meetings == own) {
      if (lost) {
        throw new SparktuneException(ErrorCode.PEER_LOST, "A rank is lost.", "");
      }
      try {
        wait();
      } catch (InterruptedException e) {
        throw new IllegalStateException(e);
      }
    }
  }

  private synchronized void lose() {
    lost = true;
    notifyAll();
  }

  private synchronized void add(long[] values) {
    if (sums.length != values.length) {
      sums = new long[values.length];
    }
    for (int i = 0; i < values.length; i++) {
      sums[i] += values[i];
    }
  }

  private final class Member implements Collective {
    private final int rank;

    Member(int rank) {
      this.rank = rank;
    }

    @Override
    public int rank() {
      return rank;
    }

    @Override
    public int ranks() {
      return ranks;
    }

    @Override
    public void sum(long[] values) {
      if (values.length > MAX_NUMBERS) {
        throw new IllegalArgumentException("Too many numbers: " + values.length);
      }
      await();
      if (rank == 0) {
        sums = new long[values.length];
      }
      await();
      add(values);
      await();
      System.arraycopy(sums, 0, values, 0, values.length);
      await();
    }

    @Override
    public void barrier() {
      await();
    }

    @Override
    public void beginStep(long step) {}

    @Override
    public Pending reduceScatter(Tensor bucket) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Pending allGather(Tensor bucket) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Pending allReduce(Tensor bucket) {
      throw new UnsupportedOperationException();
    }

    @Override
    public Pending broadcast(Tensor bucket, int root) {
      throw new UnsupportedOperationException();
    }

    @Override
    public void abort(String reason) {
      lose();
    }

    @Override
    public void close() {}
  }
}
