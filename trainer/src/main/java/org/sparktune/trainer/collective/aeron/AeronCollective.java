package org.sparktune.trainer.collective.aeron;

import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Pending;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Hands operations to the communication thread. Used by one thread of its rank. */
public final class AeronCollective implements Collective {
  /** A farewell is over earlier; this bounds closing whatever happens. */
  private static final long LONGEST_LEAVE_SECONDS = 15;

  private final CollectiveEndpoint endpoint;
  private final Plans plans;
  private final Session session;
  private final Tally tally;
  private final WireType wire;
  private final Arena arena = new Arena("collective sums");
  private final RoundingErrors errors = new RoundingErrors();
  private Tensor numbers;
  private long operations;
  private int reductionsOfStep;
  private boolean closed;

  AeronCollective(
      CollectiveEndpoint endpoint, Plans plans, Session session, Tally tally, WireType wire) {
    this.endpoint = endpoint;
    this.plans = plans;
    this.session = session;
    this.tally = tally;
    this.wire = wire;
  }

  @Override
  public int rank() {
    return plans.rank();
  }

  @Override
  public int ranks() {
    return plans.ranks();
  }

  @Override
  public void beginStep(long step) {
    session.beginStep(step);
    reductionsOfStep = 0;
  }

  @Override
  public Pending reduceScatter(Tensor bucket) {
    require(bucket);
    return submit(OperationKind.REDUCE_SCATTER, reduction(bucket));
  }

  @Override
  public Pending allGather(Tensor bucket) {
    require(bucket);
    return submit(OperationKind.ALL_GATHER, plans.allGather(bucket.address(), bucket.size()));
  }

  @Override
  public Pending allReduce(Tensor bucket) {
    require(bucket);
    List<Exchange> exchanges = reduction(bucket);
    exchanges.addAll(plans.allGather(bucket.address(), bucket.size()));
    return submit(OperationKind.ALL_REDUCE, exchanges);
  }

  @Override
  public Pending broadcast(Tensor bucket, int root) {
    require(bucket);
    Objects.checkIndex(root, ranks());
    return submit(OperationKind.BROADCAST, plans.broadcast(bucket.address(), bucket.size(), root));
  }

  @Override
  public int bytesOfSummand() {
    return switch (wire) {
      case F32 -> Float.BYTES;
      case BF16 -> Short.BYTES;
    };
  }

  @Override
  public void sum(long[] values) {
    if (values.length > MAX_NUMBERS) {
      throw new IllegalArgumentException(
          "%d numbers, more than %d".formatted(values.length, MAX_NUMBERS));
    }
    if (numbers == null) {
      numbers = arena.allocate(DType.F32, 2L * MAX_NUMBERS * Long.BYTES / Float.BYTES);
    }
    long sums = numbers.address();
    long copy = sums + (long) MAX_NUMBERS * Long.BYTES;
    for (int i = 0; i < values.length; i++) {
      Memory.putLong(sums + (long) i * Long.BYTES, values[i]);
    }
    submit(OperationKind.SUM, plans.sum(sums, copy, values.length)).join();
    for (int i = 0; i < values.length; i++) {
      values[i] = Memory.getLong(sums + (long) i * Long.BYTES);
    }
  }

  @Override
  public void barrier() {
    sum(new long[1]);
  }

  @Override
  public void abort(String reason) {
    session.abort(reason);
    endpoint.wake();
  }

  /** What was sent, received and refused until now. */
  public CollectiveCounters counters() {
    return tally.read();
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      endpoint.close();
      errors.close();
      arena.close();
    }
  }

  /** Waits for the farewell, for a bounded time. */
  void leave() {
    session.leave();
    endpoint.wake();
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(LONGEST_LEAVE_SECONDS);
    long left = deadline - System.nanoTime();
    while (left > 0) {
      try {
        if (session.left().await(left, TimeUnit.NANOSECONDS)) {
          break;
        }
      } catch (InterruptedException e) {
        interrupted = true;
      }
      left = deadline - System.nanoTime();
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  private List<Exchange> reduction(Tensor bucket) {
    long remembered =
        switch (wire) {
          case F32 -> 0;
          case BF16 -> errors.of(reductionsOfStep++, bucket.size());
        };
    return plans.reduceScatter(bucket.address(), bucket.size(), remembered);
  }

  private Pending submit(OperationKind kind, List<Exchange> exchanges) {
    if (closed) {
      throw new IllegalStateException("the collective is closed");
    }
    SparktuneException failure = session.failure();
    if (failure != null) {
      throw failure;
    }
    List<Exchange> meetings =
        exchanges.stream()
            .filter(each -> each.sendElements() + each.receiveElements() > 0)
            .toList();
    long step = session.step();
    Operation operation =
        new Operation(
            kind, step, operations++, meetings, () -> abort("its thread was interrupted"));
    session.submit(operation);
    endpoint.wake();
    return operation;
  }

  private static void require(Tensor bucket) {
    if (bucket.type() != DType.F32 || !bucket.isContiguous()) {
      throw new SparktuneException(
          ErrorCode.INTERNAL, bucket + " is not a contiguous F32 bucket.", "");
    }
  }
}
