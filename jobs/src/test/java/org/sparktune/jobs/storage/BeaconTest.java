package org.sparktune.jobs.storage;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicBoolean;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class BeaconTest {
  private static final Duration FAST = Duration.ofMillis(20);

  @TempDir private Path folder;

  @Test
  void shouldRefuseAFolderWhoseHolderLives() throws Exception {
    AtomicBoolean alive = new AtomicBoolean(true);
    Thread holder =
        new Thread(
            () -> {
              for (int beat = 0; alive.get(); beat++) {
                file().write("somebody %d".formatted(beat));
              }
            });
    file().write("somebody");
    holder.start();
    try {
      SparktuneException thrown =
          assertThrows(SparktuneException.class, () -> Beacon.light(file(), Duration.ofSeconds(2)));
      assertEquals(ErrorCode.OUTPUT, thrown.code());
      assertTrue(thrown.getMessage().contains("Another run is writing to"), thrown::getMessage);
    } finally {
      alive.set(false);
      holder.join();
    }
  }

  @Test
  void shouldTakeItsFileAwayAtTheEnd() {
    Beacon.light(file(), FAST).close();
    assertFalse(Files.exists(folder.resolve("lock")));
  }

  @Test
  void shouldTakeAFolderWhoseHolderWasKilled() throws IOException {
    Files.writeString(folder.resolve("lock"), "somebody 17\n");
    try (Beacon holder = Beacon.light(file(), FAST)) {
      String taken = Files.readString(folder.resolve("lock"));
      assertFalse(taken.startsWith("somebody"), holder::toString);
    }
  }

  private RemotePlace file() {
    return new RemotePlace(folder.resolve("lock").toString(), new Configuration());
  }
}
