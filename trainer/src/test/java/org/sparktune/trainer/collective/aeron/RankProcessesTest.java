package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Ranks as processes of their own, killed, stopped and disturbed for real. */
@Timeout(120)
class RankProcessesTest {
  private static final List<String> STEPS = List.of("steps", "200000");

  @ParameterizedTest
  @ValueSource(strings = {"AUTO", "UDP"})
  void shouldNoticeAKilledProcessAndCleanUpBehindIt(String medium, @TempDir Path parent)
      throws Exception {
    // Where drivers usually are, any other that starts meanwhile would clean up first.
    List<String> options =
        List.of("-Dmedium=" + medium, "-DpeerTimeoutMillis=3000", "-Ddirectory=" + parent);
    try (RankProcesses ranks = RankProcesses.start(3, options, STEPS)) {
      ranks.await(2, "STEP 20");
      long pid = ranks.pid(2);
      ranks.signal(2, "KILL");
      long killed = System.nanoTime();

      for (int rank : new int[] {0, 1}) {
        String failure = ranks.await(rank, "FAILED ");
        assertTrue(failure.startsWith("FAILED PEER_LOST Rank 2 on "), failure);
        ranks.awaitEnd(rank);
      }
      long seconds = Duration.ofNanos(System.nanoTime() - killed).toSeconds();
      assertTrue(seconds < 20, "noticed and left after " + seconds + " s");
      assertFalse(folders(parent, pid).isEmpty());
      DriverFolder.removeAbandoned(parent);
      assertEquals(List.of(), folders(parent, pid));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"AUTO", "UDP"})
  void shouldSurviveAPauseShorterThanTheTimeout(String medium) throws Exception {
    try (RankProcesses ranks =
        RankProcesses.start(3, List.of("-Dmedium=" + medium, "-DpeerTimeoutMillis=20000"), STEPS)) {
      ranks.await(1, "STEP 20");
      ranks.signal(1, "STOP");
      // The pause itself is what is tested: long enough for heartbeats to be missed.
      Thread.sleep(3000);
      ranks.signal(1, "CONT");
      ranks.await(1, "STEP 3");
      ranks.tell(0, "stop");
      for (int rank = 0; rank < 3; rank++) {
        assertEquals(List.of("DONE"), outcome(ranks, rank));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"AUTO", "UDP"})
  void shouldGiveUpARankThatIsStoppedForTooLong(String medium) throws Exception {
    try (RankProcesses ranks =
        RankProcesses.start(4, List.of("-Dmedium=" + medium, "-DpeerTimeoutMillis=2500"), STEPS)) {
      ranks.await(3, "STEP 10");
      ranks.signal(3, "STOP");
      for (int rank = 0; rank < 3; rank++) {
        String failure = ranks.await(rank, "FAILED ");
        assertTrue(failure.startsWith("FAILED PEER_LOST Rank 3 on "), failure);
        assertTrue(failure.contains("has not been heard of for 2.5 s"), failure);
        ranks.awaitEnd(rank);
      }
      ranks.signal(3, "CONT");
      assertTrue(ranks.await(3, "FAILED ").startsWith("FAILED PEER_LOST "));
      ranks.awaitEnd(3);
    }
  }

  @Test
  void shouldNotBeDisturbedByGarbageOnItsPorts() throws Exception {
    try (RankProcesses ranks = RankProcesses.start(2, List.of("-Dmedium=UDP"), STEPS)) {
      ranks.await(1, "STEP 5");
      Random random = new Random(4);
      try (DatagramSocket socket = new DatagramSocket()) {
        InetAddress host = InetAddress.getLoopbackAddress();
        for (int i = 0; i < 20_000; i++) {
          byte[] garbage = new byte[1 + random.nextInt(1400)];
          random.nextBytes(garbage);
          // A third of it looks like Aeron's data and setup frames.
          if (i % 3 == 0 && garbage.length > 8) {
            garbage[4] = 0;
            garbage[6] = (byte) (i % 2 == 0 ? 1 : 5);
            garbage[7] = 0;
          }
          int port = ranks.port(i % 2);
          socket.send(new DatagramPacket(garbage, garbage.length, host, port));
        }
      }
      ranks.await(1, "STEP ");
      ranks.tell(1, "stop");
      for (int rank = 0; rank < 2; rank++) {
        assertEquals(List.of("DONE"), outcome(ranks, rank));
      }
    }
  }

  /** What a rank says to its end, besides steps. */
  private static List<String> outcome(RankProcesses ranks, int rank) throws InterruptedException {
    List<String> said = new ArrayList<>();
    ranks.drain(
        rank,
        line -> {
          if (!line.startsWith("STEP") && !line.equals("CONNECTED")) {
            said.add(line);
          }
        },
        Duration.ofSeconds(60));
    return said;
  }

  private static List<Path> folders(Path parent, long pid) throws Exception {
    List<Path> found = new ArrayList<>();
    try (DirectoryStream<Path> folders =
        Files.newDirectoryStream(parent, "sparktune-*-" + pid + "-*")) {
      folders.forEach(found::add);
    }
    return found;
  }
}
