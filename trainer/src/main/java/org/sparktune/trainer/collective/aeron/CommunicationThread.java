package org.sparktune.trainer.collective.aeron;

import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.BackoffIdleStrategy;
import org.agrona.concurrent.IdleStrategy;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The one thread of a rank that communicates: it runs the media driver from when the endpoint is
 * opened, and the session once there is one. While nothing is to be done it yields, then sleeps
 * longer and longer, so that it takes no core from the computation.
 */
final class CommunicationThread implements Runnable {
  private static final Logger LOG = LoggerFactory.getLogger(CommunicationThread.class);

  /** The driver sends and receives one datagram a turn. */
  private static final int DRIVER_TURNS = 4;

  private static final int YIELDS = 100;
  private static final int LAST_TURNS = 50;
  private static final long SHORTEST_SLEEP_NANOS = 20_000;
  private static final long LONGEST_SLEEP_NANOS = 1_000_000;
  private static final long STOP_SECONDS = 20;

  private final Driver driver;
  private final Thread thread;
  private final IdleStrategy busyIdling =
      new BackoffIdleStrategy(1, YIELDS, SHORTEST_SLEEP_NANOS, SHORTEST_SLEEP_NANOS);
  private final IdleStrategy quietIdling =
      new BackoffIdleStrategy(1, 1, SHORTEST_SLEEP_NANOS, LONGEST_SLEEP_NANOS);
  private volatile FutureTask<Session> pendingSetup;
  private volatile Session session;
  private volatile boolean stopping;
  private volatile Throwable defect;

  CommunicationThread(Driver driver, String name) {
    this.driver = driver;
    this.thread = new Thread(this, name);
    thread.setDaemon(true);
  }

  void start() {
    thread.start();
  }

  /**
   * Takes part in a run from now on.
   *
   * @param setup makes the session; called by the communication thread, which alone may use the
   *     driver
   */
  Session join(Callable<Session> setup) throws InterruptedException {
    FutureTask<Session> task = new FutureTask<>(setup);
    pendingSetup = task;
    wake();
    if (!thread.isAlive()) {
      throw new IllegalStateException("the communication thread has ended", defect);
    }
    try {
      return task.get();
    } catch (ExecutionException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalStateException(e.getCause());
    }
  }

  /** There is something to do. */
  void wake() {
    LockSupport.unpark(thread);
  }

  /** Stops without a farewell; returns when the thread has ended. */
  void stop() {
    stopping = true;
    wake();
    boolean interrupted = false;
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(STOP_SECONDS);
    while (thread.isAlive() && System.nanoTime() - deadline < 0) {
      try {
        thread.join(100);
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public void run() {
    try {
      while (!stopping) {
        idle(turn());
      }
    } catch (Throwable e) {
      defect = e;
      LOG.error("The communication thread has failed.", e);
      speakLastWords(e);
    } finally {
      FutureTask<Session> setup = pendingSetup;
      if (setup != null) {
        setup.cancel(false);
      }
      Session current = session;
      if (current != null) {
        current.stop("has stopped communicating" + (defect == null ? "" : " because of " + defect));
        current.closeClients();
      }
      driver.close();
    }
  }

  /** Tells the peers, if the driver still works; otherwise they will notice the silence. */
  private void speakLastWords(Throwable why) {
    Session current = session;
    try {
      if (current != null) {
        current.abort(why.toString());
        for (int i = 0; i < LAST_TURNS; i++) {
          turn();
        }
      }
    } catch (RuntimeException e) {
      LOG.warn("The other ranks could not be told.", e);
    }
  }

  private int turn() {
    int count = 0;
    int done = 1;
    for (int i = 0; i < DRIVER_TURNS && done > 0; i++) {
      done = driver.work();
      count += done;
    }
    FutureTask<Session> setup = pendingSetup;
    if (setup != null) {
      pendingSetup = null;
      setUp(setup);
    }
    Session current = session;
    if (current != null) {
      count += current.work(System.nanoTime());
    }
    return count;
  }

  private void setUp(FutureTask<Session> setup) {
    setup.run();
    try {
      session = setup.get();
    } catch (InterruptedException | ExecutionException e) {
      LOG.debug("The caller of connect gets this failure.", e);
    }
  }

  /** An operation that waits for a peer yields longer than a thread that waits for work. */
  private void idle(int done) {
    Session current = session;
    if (current != null && current.isBusy()) {
      busyIdling.idle(done);
    } else {
      quietIdling.idle(done);
    }
  }
}
