package org.sparktune.trainer.collective.aeron;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.Ranks;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Ranks that are clients of a media driver with a thread of its own. */
@Timeout(120)
class ExternalDriverTest {
  private static final int RANKS = 4;
  private static final int LENGTH = 300_007;

  @TempDir private Path parent;
  private Path folder;
  private MediaDriver driver;

  @BeforeEach
  void start() {
    folder = parent.resolve("driver");
    driver =
        MediaDriver.launch(
            new MediaDriver.Context()
                .aeronDirectoryName(folder.toString())
                .threadingMode(ThreadingMode.SHARED)
                .termBufferSparseFile(true)
                .dirDeleteOnShutdown(true));
  }

  @AfterEach
  void end() {
    driver.close();
  }

  @ParameterizedTest
  @EnumSource(Medium.class)
  void shouldEqualTheSequentialTreeInOneDriver(Medium medium) {
    float[] expected = AeronCollectiveTest.treeSum(RANKS, LENGTH);
    Ranks.run(
        RANKS,
        options().medium(medium).build(),
        collective -> {
          try (Arena arena = new Arena("test")) {
            Tensor sum = arena.allocate(DType.F32, LENGTH);
            sum.set(AeronCollectiveTest.vector(collective.rank(), LENGTH));
            collective.allReduce(sum).join();
            assertArrayEquals(expected, sum.toFloatArray());
          }
          collective.barrier();
        });
    assertTrue(Files.isDirectory(folder), "it runs on for others");
  }

  @Test
  void shouldSayOnEveryRankThatTheDriverHasEnded() {
    CyclicBarrier reached = new CyclicBarrier(2);
    SparktuneException thrown =
        assertThrows(
            SparktuneException.class,
            () ->
                Ranks.run(
                    2,
                    options().build(),
                    collective -> {
                      collective.barrier();
                      if (reached.await(1, TimeUnit.MINUTES) == 0) {
                        driver.close();
                      }
                      repeatBarriers(collective);
                    }));
    assertEquals(ErrorCode.PEER_LOST, thrown.code());
    assertTrue(
        thrown.getMessage().contains("media driver in " + folder + " has ended"),
        thrown.getMessage());
  }

  @Test
  void shouldRefuseAFolderInWhichNoDriverRuns() {
    Path empty = parent.resolve("nothing");
    SparktuneException thrown =
        assertThrows(
            SparktuneException.class,
            () -> CollectiveEndpoint.open(Ranks.options().externalDriver(empty).build()));
    assertEquals(ErrorCode.RESOURCES, thrown.code());
    assertTrue(thrown.getMessage().contains("No media driver runs in " + empty), thrown::toString);
  }

  private CollectiveOptions.Builder options() {
    return Ranks.options().externalDriver(folder).peerTimeout(Duration.ofSeconds(6));
  }

  private static void repeatBarriers(Collective collective) {
    while (true) {
      collective.barrier();
    }
  }
}
