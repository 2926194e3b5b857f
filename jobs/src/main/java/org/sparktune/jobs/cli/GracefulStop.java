package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.util.ShutdownHookManager;
import org.sparktune.jobs.training.StopSignal;

/**
 * Lets a run that is told to end (SIGTERM, Ctrl-C) write its checkpoint first. Hadoop runs its
 * shutdown hooks one after another by priority, and Spark stops its context in one of them: this
 * hook comes before.
 */
final class GracefulStop {
  private static final int BEFORE_SPARK = 1000;
  private static final long PATIENCE_SECONDS = 120;

  private final CountDownLatch ended = new CountDownLatch(1);
  private final Runnable hook;

  private GracefulStop(PrintStream err) {
    this.hook =
        () -> {
          err.println("Stopping: the training writes a checkpoint at its next step.");
          StopSignal.request();
          await();
        };
  }

  static GracefulStop install(PrintStream err) {
    GracefulStop stop = new GracefulStop(err);
    ShutdownHookManager.get()
        .addShutdownHook(stop.hook, BEFORE_SPARK, PATIENCE_SECONDS, TimeUnit.SECONDS);
    return stop;
  }

  private void await() {
    try {
      if (!ended.await(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
        throw new IllegalStateException("The run did not end in " + PATIENCE_SECONDS + " seconds");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The run has ended. */
  void close() {
    ended.countDown();
    if (!ShutdownHookManager.get().isShutdownInProgress()) {
      ShutdownHookManager.get().removeShutdownHook(hook);
    }
  }
}
