package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Ranks;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

@Timeout(60)
class LostPeerTest {
  private static final Duration TIMEOUT = Duration.ofSeconds(3);

  /** What a rank does at step 7 instead of taking part. */
  private interface Misbehaviour {
    void happen(CollectiveEndpoint endpoint, Collective collective);
  }

  @ParameterizedTest
  @CsvSource({"IPC, 2, 1", "IPC, 4, 3", "IPC, 5, 1", "IPC, 8, 0", "UDP, 4, 2", "UDP, 3, 0"})
  void shouldFailOnEveryRankWhenOneIsGone(Medium medium, int ranks, int lost) throws Exception {
    List<SparktuneException> failures =
        failures(medium, ranks, lost, (endpoint, collective) -> endpoint.kill());

    for (SparktuneException failure : failures) {
      assertEquals(ErrorCode.PEER_LOST, failure.code());
      assertTrue(failure.getMessage().startsWith("Rank " + lost + " on "), failure.getMessage());
      // A rank may not have left step 6 yet when it loses the other.
      assertTrue(failure.getMessage().matches(".* at step [67]\\."), failure.getMessage());
    }
  }

  @ParameterizedTest
  @CsvSource({"IPC, 4, 1", "IPC, 7, 6", "UDP, 3, 1"})
  void shouldTellEveryRankThatOneGivesUp(Medium medium, int ranks, int lost) throws Exception {
    List<SparktuneException> failures =
        failures(
            medium, ranks, lost, (endpoint, collective) -> collective.abort("the disk is full"));

    for (SparktuneException failure : failures) {
      assertEquals(ErrorCode.PEER_LOST, failure.code());
      String message = failure.getMessage();
      assertTrue(message.startsWith("Rank " + lost + " on "), message);
      assertTrue(message.endsWith(" gave up: the disk is full, at step 7."), message);
    }
  }

  @ParameterizedTest
  @EnumSource(
      value = Medium.class,
      names = {"IPC", "UDP"})
  void shouldFailWhenARankClosesWhileOthersNeedIt(Medium medium) throws Exception {
    List<SparktuneException> failures =
        failures(medium, 3, 2, (endpoint, collective) -> collective.close());

    for (SparktuneException failure : failures) {
      assertEquals(ErrorCode.PEER_LOST, failure.code());
      assertTrue(failure.getMessage().startsWith("Rank 2 on "), failure.getMessage());
    }
  }

  @Test
  void shouldSayWhichBytesRanksDisagreeAbout() {
    SparktuneException failure =
        assertThrows(
            SparktuneException.class,
            () ->
                Ranks.run(
                    2,
                    collective -> {
                      try (Arena arena = new Arena("test")) {
                        int length = collective.rank() == 0 ? 4096 : 8192;
                        collective.allReduce(arena.allocate(DType.F32, length)).join();
                      }
                    }));

    assertEquals(ErrorCode.PEER_LOST, failure.code());
    assertTrue(failure.getMessage().contains("is in a all-reduce of"), failure.getMessage());
  }

  @Test
  void shouldRefuseARankWithAnotherSecret() throws Exception {
    CollectiveOptions options =
        Ranks.options().connectTimeout(Duration.ofSeconds(2)).peerTimeout(TIMEOUT).build();
    ExecutorService threads = Executors.newFixedThreadPool(2);
    try (CollectiveEndpoint first = CollectiveEndpoint.open(options);
        CollectiveEndpoint second = CollectiveEndpoint.open(options)) {
      List<String> addresses = List.of(first.address(), second.address());
      Future<Collective> honest =
          threads.submit(() -> first.connect(0, addresses, new RunKey("run", 0, secret())));
      Future<Collective> stranger =
          threads.submit(() -> second.connect(1, addresses, new RunKey("run", 0, secret())));

      for (Future<Collective> each : List.of(honest, stranger)) {
        Throwable cause =
            assertThrows(ExecutionException.class, () -> each.get(30, TimeUnit.SECONDS)).getCause();
        assertEquals(ErrorCode.PEER_LOST, ((SparktuneException) cause).code());
        assertTrue(cause.getMessage().contains("could not be connected"), cause.getMessage());
      }
    } finally {
      threads.shutdownNow();
    }
  }

  @Test
  void shouldLeaveAWaitThatIsInterrupted() throws Exception {
    List<Throwable> failures =
        Ranks.call(
            2,
            collective -> {
              try (Arena arena = new Arena("test")) {
                Tensor bucket = arena.allocate(DType.F32, 4096);
                collective.barrier();
                if (collective.rank() == 0) {
                  Thread.currentThread().interrupt();
                }
                return assertThrows(
                    SparktuneException.class,
                    () -> {
                      while (true) {
                        collective.allReduce(bucket).join();
                      }
                    });
              } finally {
                Thread.interrupted();
              }
            });

    assertEquals(ErrorCode.INTERRUPTED, ((SparktuneException) failures.get(0)).code());
    assertEquals(ErrorCode.PEER_LOST, ((SparktuneException) failures.get(1)).code());
  }

  /** What the ranks other than {@code lost} meet when it misbehaves at step 7. */
  private static List<SparktuneException> failures(
      Medium medium, int ranks, int lost, Misbehaviour misbehaviour) throws Exception {
    CollectiveOptions options = Ranks.options().medium(medium).peerTimeout(TIMEOUT).build();
    RunKey key = new RunKey("run", 3, secret());
    List<CollectiveEndpoint> endpoints = new ArrayList<>();
    ExecutorService threads = Executors.newFixedThreadPool(ranks);
    try {
      for (int rank = 0; rank < ranks; rank++) {
        endpoints.add(CollectiveEndpoint.open(options));
      }
      List<String> addresses = endpoints.stream().map(CollectiveEndpoint::address).toList();
      List<Future<SparktuneException>> results = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        int own = rank;
        results.add(
            threads.submit(
                () -> {
                  CollectiveEndpoint endpoint = endpoints.get(own);
                  Collective collective = endpoint.connect(own, addresses, key);
                  return takePart(
                      collective,
                      own == lost ? () -> misbehaviour.happen(endpoint, collective) : null);
                }));
      }
      List<SparktuneException> failures = new ArrayList<>();
      for (int rank = 0; rank < ranks; rank++) {
        SparktuneException failure = results.get(rank).get(30, TimeUnit.SECONDS);
        if (rank != lost) {
          failures.add(failure);
        }
      }
      return failures;
    } finally {
      threads.shutdownNow();
      endpoints.forEach(CollectiveEndpoint::close);
    }
  }

  private static SparktuneException takePart(Collective collective, Runnable misbehaviour) {
    try (Arena arena = new Arena("test")) {
      Tensor bucket = arena.allocate(DType.F32, 300_000);
      for (long step = 0; ; step++) {
        collective.beginStep(step);
        if (step == 7 && misbehaviour != null) {
          misbehaviour.run();
          return null;
        }
        try {
          collective.allReduce(bucket).join();
        } catch (SparktuneException e) {
          return e;
        }
      }
    }
  }

  private static byte[] secret() {
    byte[] secret = new byte[32];
    new SecureRandom().nextBytes(secret);
    return secret;
  }
}
