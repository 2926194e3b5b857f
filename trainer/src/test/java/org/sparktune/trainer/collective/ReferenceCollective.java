package org.sparktune.trainer.collective;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.memory.Tensor;

/**
 * The plainest collective: ranks are threads of one JVM, every operation copies its vectors to the
 * heap, and sums follow the tree that {@link Slices} describes, written as it is defined. What a
 * faster collective does must give the same bits.
 */
public final class ReferenceCollective implements Collective {
  private final Room room;
  private final int rank;
  private int operations;

  private ReferenceCollective(Room room, int rank) {
    this.room = room;
    this.rank = rank;
  }

  /** What a rank does. */
  @FunctionalInterface
  public interface Body<T> {
    /** Runs on the rank's own thread. */
    T run(Collective collective) throws Exception;
  }

  /** How a rank ended: with a value or with a failure. */
  public record Ending<T>(T value, Throwable failure) {}

  /** What ranks hand over; an operation's contributions by rank. */
  private static final class Room {
    private final int ranks;
    private final List<Object[]> operations = new ArrayList<>();
    private String aborted;

    Room(int ranks) {
      this.ranks = ranks;
    }

    synchronized void put(int operation, int rank, Object contribution) {
      while (operations.size() <= operation) {
        operations.add(new Object[ranks]);
      }
      operations.get(operation)[rank] = contribution;
      notifyAll();
    }

    synchronized Object[] await(int operation) {
      while (!complete(operations.get(operation))) {
        if (aborted != null) {
          throw new SparktuneException(ErrorCode.PEER_LOST, aborted, "Look at that rank's log.");
        }
        try {
          wait();
        } catch (InterruptedException e) {
          Thread.currentThread().interrupt();
          throw new IllegalStateException("Interrupted", e);
        }
      }
      return operations.get(operation);
    }

    synchronized void abort(String reason) {
      aborted = reason;
      notifyAll();
    }

    private static boolean complete(Object[] contributions) {
      for (Object contribution : contributions) {
        if (contribution == null) {
          return false;
        }
      }
      return true;
    }
  }

  /** Runs ranks to their end; the first failure is thrown. */
  public static <T> List<T> call(int ranks, Body<T> body) {
    List<T> values = new ArrayList<>();
    for (Ending<T> ending : endings(ranks, body)) {
      if (ending.failure() instanceof RuntimeException failure) {
        throw failure;
      }
      if (ending.failure() != null) {
        throw new AssertionError(ending.failure());
      }
      values.add(ending.value());
    }
    return values;
  }

  /** Runs ranks to their end, whatever that is. */
  public static <T> List<Ending<T>> endings(int ranks, Body<T> body) {
    Room room = new Room(ranks);
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      List<Future<T>> running = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        Collective collective = new ReferenceCollective(room, rank);
        running.add(threads.submit(() -> body.run(collective)));
      }
      List<Ending<T>> endings = new ArrayList<>();
      for (Future<T> rank : running) {
        endings.add(ending(rank));
      }
      return endings;
    } finally {
      threads.shutdownNow();
    }
  }

  private static <T> Ending<T> ending(Future<T> rank) {
    try {
      return new Ending<>(rank.get(3, TimeUnit.MINUTES), null);
    } catch (ExecutionException e) {
      return new Ending<>(null, e.getCause());
    } catch (InterruptedException | TimeoutException e) {
      throw new AssertionError("a rank does not end", e);
    }
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int ranks() {
    return room.ranks;
  }

  @Override
  public void beginStep(long step) {}

  @Override
  public Pending reduceScatter(Tensor bucket) {
    int operation = put(bucket.toFloatArray());
    return () -> {
      Slices.Range own = Slices.owned(rank, ranks(), bucket.size());
      copy(sum(room.await(operation)), own, bucket);
    };
  }

  @Override
  public Pending allGather(Tensor bucket) {
    int operation = put(bucket.toFloatArray());
    return () -> {
      Object[] contributions = room.await(operation);
      for (int other = 0; other < ranks(); other++) {
        Slices.Range slice = Slices.owned(other, ranks(), bucket.size());
        copy((float[]) contributions[other], slice, bucket);
      }
    };
  }

  @Override
  public Pending allReduce(Tensor bucket) {
    int operation = put(bucket.toFloatArray());
    return () -> copy(sum(room.await(operation)), new Slices.Range(0, bucket.size()), bucket);
  }

  @Override
  public Pending broadcast(Tensor bucket, int root) {
    int operation = put(bucket.toFloatArray());
    return () ->
        copy((float[]) room.await(operation)[root], new Slices.Range(0, bucket.size()), bucket);
  }

  @Override
  public void sum(long[] values) {
    Object[] contributions = room.await(put(values.clone()));
    for (int i = 0; i < values.length; i++) {
      values[i] = 0;
      for (Object contribution : contributions) {
        values[i] += ((long[]) contribution)[i];
      }
    }
  }

  @Override
  public void barrier() {
    room.await(put(new long[0]));
  }

  @Override
  public void abort(String reason) {
    room.abort("Rank %d gave up: %s".formatted(rank, reason));
  }

  @Override
  public void close() {}

  private int put(Object contribution) {
    room.put(operations, rank, contribution);
    return operations++;
  }

  private static void copy(float[] values, Slices.Range range, Tensor into) {
    for (long i = range.from(); i < range.to(); i++) {
      into.setFloat(i, values[(int) i]);
    }
  }

  /** Followers to their leaders, then neighbouring groups, then pairs of those, and so on. */
  private static float[] sum(Object[] contributions) {
    int ranks = contributions.length;
    List<float[]> level = new ArrayList<>();
    for (int group = 0; group < Slices.groups(ranks); group++) {
      int leader = Slices.leader(group, ranks);
      float[] vector = (float[]) contributions[leader];
      boolean paired = leader + 1 < ranks && Slices.isFollower(leader + 1, ranks);
      level.add(paired ? add(vector, (float[]) contributions[leader + 1]) : vector);
    }
    while (level.size() > 1) {
      List<float[]> above = new ArrayList<>();
      for (int i = 0; i < level.size(); i += 2) {
        above.add(add(level.get(i), level.get(i + 1)));
      }
      level = above;
    }
    return level.get(0);
  }

  private static float[] add(float[] a, float[] b) {
    float[] sum = new float[a.length];
    for (int i = 0; i < a.length; i++) {
      sum[i] = a[i] + b[i];
    }
    return sum;
  }
}
