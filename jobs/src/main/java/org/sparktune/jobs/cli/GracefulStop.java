package org.sparktune.jobs.cli;

import java.io.PrintStream;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.hadoop.util.ShutdownHookManager;
import org.sparktune.jobs.training.StopSignal;

/**
 * Lets a run that is told to end (SIGTERM, Ctrl-C) write its checkpoint or clean up first. Hadoop
 * runs its shutdown hooks one after another by priority, and Spark stops its context in one of
 * them: this hook comes before.
 */
final class GracefulStop {
  private static final int BEFORE_SPARK = 1000;
  private static final long PATIENCE_SECONDS = 120;
  private static final long POLL_MILLIS = 200;

  /** One for the process, as signals are. */
  private static final AtomicReference<GracefulStop> installed = new AtomicReference<>();

  private final CountDownLatch ended = new CountDownLatch(1);
  private final Runnable hook;

  private GracefulStop(PrintStream err, String sentence, Runnable cancel) {
    this.hook =
        () -> {
          err.println(sentence);
          StopSignal.request();
          await(cancel);
        };
  }

  /**
   * Installs it.
   *
   * @param sentence what the user is told
   * @param cancel ends what does not look at {@link StopSignal} by itself
   */
  static void install(PrintStream err, String sentence, Runnable cancel) {
    GracefulStop stop = new GracefulStop(err, sentence, cancel);
    ShutdownHookManager.get()
        .addShutdownHook(stop.hook, BEFORE_SPARK, PATIENCE_SECONDS, TimeUnit.SECONDS);
    installed.set(stop);
  }

  /** Lets the process end; called when a command has ended and its user was told how. */
  static void release() {
    GracefulStop stop = installed.getAndSet(null);
    if (stop != null) {
      stop.close();
    }
  }

  private void await(Runnable cancel) {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(PATIENCE_SECONDS);
    try {
      do {
        // Again and again: what is to be cancelled may only just be starting.
        cancel.run();
        if (System.nanoTime() > end) {
          throw new IllegalStateException(
              "The run did not end in " + PATIENCE_SECONDS + " seconds");
        }
      } while (!ended.await(POLL_MILLIS, TimeUnit.MILLISECONDS));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The run has ended. */
  private void close() {
    ended.countDown();
    if (!ShutdownHookManager.get().isShutdownInProgress()) {
      ShutdownHookManager.get().removeShutdownHook(hook);
    }
  }
}
