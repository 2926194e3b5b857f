package org.sparktune.trainer.collective;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.sparktune.trainer.collective.aeron.CollectiveEndpoint;
import org.sparktune.trainer.collective.aeron.CollectiveOptions;
import org.sparktune.trainer.collective.aeron.Medium;
import org.sparktune.trainer.collective.aeron.RunKey;

/** Runs ranks as threads of this JVM, connected through shared memory unless told otherwise. */
public final class Ranks {
  private static final Duration LONGEST = Duration.ofMinutes(3);

  private Ranks() {}

  /** What a rank does. */
  @FunctionalInterface
  public interface Body<T> {
    /** Runs on the rank's own thread; the collective is closed afterwards. */
    T run(Collective collective) throws Exception;
  }

  /** What a rank does when nothing comes out of it. */
  @FunctionalInterface
  public interface Action {
    /** Runs on the rank's own thread; the collective is closed afterwards. */
    void run(Collective collective) throws Exception;
  }

  /** Options for tests: shared memory, a failure is noticed within seconds. */
  public static CollectiveOptions.Builder options() {
    return CollectiveOptions.builder()
        .medium(Medium.IPC)
        .host("127.0.0.1")
        .termLength(1 << 20)
        .ipcTermLength(1 << 20)
        .peerTimeout(Duration.ofSeconds(20));
  }

  /** Runs {@code ranks} ranks to their end; the first failure is thrown. */
  public static void run(int ranks, Action action) {
    run(ranks, options().build(), action);
  }

  /** Runs ranks with given options. */
  public static void run(int ranks, CollectiveOptions options, Action action) {
    call(
        ranks,
        options,
        collective -> {
          action.run(collective);
          return null;
        });
  }

  /** Runs ranks to their end and returns what each returned, by rank. */
  public static <T> List<T> call(int ranks, Body<T> body) {
    return call(ranks, options().build(), body);
  }

  /** Runs ranks with given options and returns what each returned, by rank. */
  public static <T> List<T> call(int ranks, CollectiveOptions options, Body<T> body) {
    if (ranks == 1) {
      return Collections.singletonList(single(body));
    }
    byte[] secret = new byte[32];
    new SecureRandom().nextBytes(secret);
    RunKey key = new RunKey("test", 0, secret);
    List<CollectiveEndpoint> endpoints = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      for (int rank = 0; rank < ranks; rank++) {
        endpoints.add(CollectiveEndpoint.open(options));
      }
      List<String> addresses = endpoints.stream().map(CollectiveEndpoint::address).toList();
      List<Future<T>> results = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        int own = rank;
        results.add(
            threads.submit(
                () -> {
                  try (Collective collective = endpoints.get(own).connect(own, addresses, key)) {
                    return body.run(collective);
                  }
                }));
      }
      return collect(results);
    } finally {
      threads.shutdownNow();
      endpoints.forEach(CollectiveEndpoint::close);
    }
  }

  private static <T> T single(Body<T> body) {
    try {
      return body.run(new LocalCollective());
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AssertionError(e);
    }
  }

  private static <T> List<T> collect(List<Future<T>> results) {
    List<T> values = new ArrayList<>();
    Throwable first = null;
    long deadline = System.nanoTime() + LONGEST.toNanos();
    for (Future<T> result : results) {
      try {
        values.add(result.get(deadline - System.nanoTime(), TimeUnit.NANOSECONDS));
      } catch (ExecutionException e) {
        first = first == null ? e.getCause() : first;
      } catch (TimeoutException | InterruptedException e) {
        throw new AssertionError("a rank does not end", e);
      }
    }
    if (first instanceof RuntimeException failure) {
      throw failure;
    }
    if (first instanceof Error error) {
      throw error;
    }
    if (first != null) {
      throw new AssertionError(first);
    }
    return values;
  }
}
