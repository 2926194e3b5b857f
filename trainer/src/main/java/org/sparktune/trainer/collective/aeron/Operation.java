package org.sparktune.trainer.collective.aeron;

import java.util.List;
import java.util.concurrent.CountDownLatch;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Pending;

/** An operation that the communication thread carries out. */
final class Operation implements Pending {
  private final OperationKind kind;
  private final long step;
  private final long number;
  private final List<Exchange> exchanges;
  private final Runnable onInterrupt;
  private final CountDownLatch done = new CountDownLatch(1);
  private volatile SparktuneException failure;

  /**
   * @param number counted from 0, the same on every rank
   * @param onInterrupt what makes the operation fail soon
   */
  Operation(
      OperationKind kind, long step, long number, List<Exchange> exchanges, Runnable onInterrupt) {
    this.kind = kind;
    this.step = step;
    this.number = number;
    this.exchanges = List.copyOf(exchanges);
    this.onInterrupt = onInterrupt;
  }

  OperationKind kind() {
    return kind;
  }

  long step() {
    return step;
  }

  long number() {
    return number;
  }

  List<Exchange> exchanges() {
    return exchanges;
  }

  /**
   * Which of the exchanges with its peer an exchange is: the number that both of them come to,
   * although each has others in between.
   */
  int numberWithPeer(int index) {
    int number = 0;
    for (int i = 0; i < index; i++) {
      if (exchanges.get(i).peer() == exchanges.get(index).peer()) {
        number++;
      }
    }
    return number;
  }

  /** The buffer is the caller's again. */
  void succeed() {
    done.countDown();
  }

  /** The buffer is the caller's again, its content undefined. */
  void fail(SparktuneException cause) {
    failure = cause;
    done.countDown();
  }

  @Override
  public void join() {
    boolean interrupted = false;
    while (true) {
      try {
        done.await();
        break;
      } catch (InterruptedException e) {
        // The communication thread may be writing to the buffer: let it stop first.
        interrupted = true;
        onInterrupt.run();
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
      throw new SparktuneException(
          ErrorCode.INTERRUPTED,
          "The thread was interrupted while it waited for the other ranks, at step " + step + ".",
          "");
    }
    if (failure != null) {
      SparktuneException cause = failure;
      throw new SparktuneException(cause.code(), cause.getMessage(), cause.hint(), cause);
    }
  }
}
