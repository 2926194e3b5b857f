package org.sparktune.trainer.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.trainer.collective.LocalCollective;

class RunFilesTest {
  private static final RunDescription RUN = new RunDescription(new TreeMap<>(), List.of());

  @TempDir private Path checkpoints;
  @TempDir private Path task;
  @TempDir private Path otherHost;

  @BeforeEach
  void saveThreeTimes() throws IOException {
    Files.writeString(task.resolve("metrics.jsonl"), "from an earlier attempt\n");
    assertTrue(restore(task) < 0);
    assertFalse(Files.exists(task.resolve("metrics.jsonl")));
    for (int step = 1; step <= 3; step++) {
      Files.writeString(task.resolve("metrics.jsonl"), lines(step));
      if (step == 3) {
        Files.writeString(task.resolve("samples.jsonl"), "sample");
      }
      save(step);
    }
    Files.writeString(task.resolve("metrics.jsonl"), lines(5));
  }

  @Test
  void shouldBringFilesBackOnTheSameAndOnAnotherHost() throws IOException {
    for (Path host : List.of(task, otherHost)) {
      assertEquals(3, restore(host));
      assertEquals(lines(3), Files.readString(host.resolve("metrics.jsonl")));
      assertEquals("sample", Files.readString(host.resolve("samples.jsonl")));
      try (var names = Files.list(host)) {
        assertEquals(2, names.count());
      }
    }
  }

  @Test
  void shouldTakeADamagedFileForADamagedCheckpoint() throws IOException {
    Files.writeString(checkpoints.resolve("step-00000003/metrics.jsonl"), lines(2));
    assertEquals(2, restore(task));
    assertEquals(lines(2), Files.readString(task.resolve("metrics.jsonl")));
    // There was none then.
    assertFalse(Files.exists(task.resolve("samples.jsonl")));
  }

  private static String lines(int step) {
    return "{\"step\":1}\n".repeat(step);
  }

  private void save(long step) {
    try (Shards shards = new Shards(0, 1, 3000, 3000).set(step)) {
      store(task)
          .save(new Snapshot(step, null, new ObjectMapper().createObjectNode()), shards.vectors());
    }
  }

  private long restore(Path host) {
    try (Shards shards = new Shards(0, 1, 3000, 3000)) {
      return store(host).restore(shards.vectors()).map(Snapshot::step).orElse(-1L);
    }
  }

  private CheckpointStore store(Path host) {
    return CheckpointStore.open(
        checkpoints.toString(),
        new Configuration(),
        3,
        RUN,
        List.of(host.resolve("metrics.jsonl"), host.resolve("samples.jsonl")),
        new LocalCollective());
  }
}
