package org.sparktune.trainer.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Kills a real process while it saves, again and again. */
class KilledSaverTest {
  private static final int KILLS = 5;

  @TempDir private Path folder;
  @TempDir private Path logs;

  @Test
  void shouldGoOnWhereverTheProcessWasKilled() throws Exception {
    Random random = new Random(20);
    long step = 0;
    for (int kill = 0; kill < KILLS; kill++) {
      int ranks = 1 + kill % 4;
      long announced = runAndKill(ranks, random);
      long restored = KilledSaver.restore(folder.toString(), 1 + random.nextInt(4)).orElseThrow();
      assertTrue(
          restored == announced || restored == announced + 1,
          "announced %d, restored %d".formatted(announced, restored));
      assertTrue(restored > step);
      step = restored;
    }
    try (var names = Files.list(folder)) {
      // The two newest, what a kill left, and the pointers.
      assertTrue(names.count() <= 6);
    }
  }

  /** Returns the last step that the process said was saved. */
  private long runAndKill(int ranks, Random random) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of(
            "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", System.getProperty("java.class.path")));
    command.addAll(List.of(KilledSaver.class.getName(), folder.toString(), "" + ranks));
    Process process =
        new ProcessBuilder(command).redirectError(logs.resolve("process.log").toFile()).start();
    try (BufferedReader out = process.inputReader(StandardCharsets.UTF_8)) {
      String line = out.readLine();
      for (int more = random.nextInt(3); more > 0; more--) {
        line = out.readLine();
      }
      assertNotNull(line, "the process ended by itself");
      // Any point of the next save is wanted, so any time is right.
      LockSupport.parkNanos(random.nextInt(40_000_000));
      // The handle's, because the process's own also closes its output.
      process.toHandle().destroyForcibly();
      String last = line;
      for (; line != null; line = out.readLine()) {
        last = line;
      }
      assertEquals(128 + 9, process.waitFor());
      return Long.parseLong(last);
    }
  }
}
