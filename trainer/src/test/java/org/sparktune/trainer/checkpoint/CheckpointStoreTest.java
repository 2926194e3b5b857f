package org.sparktune.trainer.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.modelfile.SafetensorsFile;

class CheckpointStoreTest {
  private static final long LENGTH = 70_001;
  private static final long BUCKET = 1 << 14;
  private static final RunDescription RUN =
      new RunDescription(
          new TreeMap<>(Map.of("model", "sha256:base", "seed", "3")),
          List.of(new RunDescription.Parameter("w", List.of(7L, 10_000L))));

  @TempDir private Path folder;

  @ParameterizedTest
  @CsvSource({"1,1", "1,4", "4,4", "4,2", "4,1", "4,3", "3,4", "2,8", "8,3"})
  void shouldRestoreOnAnyNumberOfRanks(int saving, int restoring) throws IOException {
    save(saving, 5, null);
    save(saving, 10, 2.5);
    assertEquals(10, restore(restoring, 10));
    assertEquals("step-00000010\n", Files.readString(folder.resolve("latest")));
  }

  @Test
  void shouldReturnWhatWasSaved() throws IOException {
    Snapshot snapshot =
        new Snapshot(7, 1.25, new ObjectMapper().readTree("{\"cursor\":{\"row\":3},\"x\":0.1}"));
    try (Shards shards = new Shards(0, 1, LENGTH, LENGTH).set(7)) {
      CheckpointStore store = store(new LocalCollective());
      assertTrue(store.restore(shards.vectors()).isEmpty());
      assertEquals(0, shards.wrong(7));
      assertEquals(folder + "/step-00000007", store.save(snapshot, shards.vectors()));
      assertEquals(Optional.of(snapshot), store.restore(shards.vectors()));
    }
  }

  @Test
  void shouldWritePartsThatOthersCanRead() throws IOException {
    save(2, 3, null);
    try (var parts = Files.list(folder.resolve("step-00000003"))) {
      List<Path> files =
          parts.filter(file -> file.toString().endsWith(".safetensors")).sorted().toList();
      assertEquals(2, files.size());
      try (SafetensorsFile second = SafetensorsFile.open(files.get(1))) {
        assertEquals("1", second.metadata().get("rank"));
        assertTrue(second.names().contains("exp_avg[8192:16384]"), second.names().toString());
      }
    }
    // Hadoop's local file system would add checksum files.
    try (var all = Files.walk(folder)) {
      assertTrue(all.noneMatch(file -> file.toString().endsWith(".crc")));
    }
  }

  @Test
  void shouldKeepTheNewestAndTheBest() throws IOException {
    save(2, 1, 3.0);
    save(2, 2, 1.0);
    save(2, 3, 2.0);
    save(2, 4, 1.0);
    save(2, 5, null);
    assertEquals(
        List.of("best", "latest", "step-00000002", "step-00000004", "step-00000005"), names());
    assertEquals("step-00000002\n", Files.readString(folder.resolve("best")));
    assertEquals("step-00000005\n", Files.readString(folder.resolve("latest")));
    save(2, 6, 0.5);
    assertEquals(List.of("best", "latest", "step-00000005", "step-00000006"), names());
    assertEquals("step-00000006\n", Files.readString(folder.resolve("best")));
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "3"})
  void shouldPassOverDamagedCheckpoints(int ranks) throws IOException {
    for (int step = 1; step <= 6; step++) {
      save(4, step, null, 9);
    }
    Path manifest = folder.resolve("step-00000006/state.json");
    String text = Files.readString(manifest);
    Files.writeString(manifest, text.substring(0, text.length() / 2));
    manifest = folder.resolve("step-00000005/state.json");
    Files.writeString(manifest, Files.readString(manifest).replace("\"step\" : 5", "\"step\" : 4"));
    Files.delete(part(4, 2));
    Path part = part(3, 0);
    byte[] bytes = Files.readAllBytes(part);
    bytes[bytes.length - 1] ^= 1;
    Files.write(part, bytes);
    part = part(2, 3);
    bytes = Files.readAllBytes(part);
    Files.write(part, java.util.Arrays.copyOf(bytes, bytes.length - 4));

    assertEquals(1, restore(ranks, 1));

    // What was passed over does not count when the run saves again.
    save(ranks, 2, null, 1);
    assertEquals(List.of("latest", "step-00000002"), names());
    assertEquals(2, restore(3, 2));
  }

  @Test
  void shouldNotStartAnewWhenNoCheckpointIsWhole() throws IOException {
    save(2, 1, null);
    Files.delete(part(1, 1));
    for (SummingRanks.Ended<Long> ended : tryRestore(3, 1)) {
      SparktuneException e = (SparktuneException) ended.failure();
      assertEquals(ErrorCode.BAD_FILE, e.code());
      assertTrue(e.getMessage().contains("of step-00000001, part-00001"), e.getMessage());
      assertTrue(e.hint().contains("delete " + folder), e.hint());
    }
  }

  @Test
  void shouldRemoveWhatInterruptedSavesLeft() throws IOException {
    Path left = Files.createDirectories(folder.resolve("step-00000004"));
    Files.writeString(left.resolve("part-00000-of-00001-ab.safetensors"), "half");
    Files.createDirectories(folder.resolve("step-00000003.tmp"));
    try (Shards shards = new Shards(0, 1, LENGTH, LENGTH)) {
      assertTrue(store(new LocalCollective()).restore(shards.vectors()).isEmpty());
    }
    save(1, 5, null);
    assertEquals(List.of("latest", "step-00000005"), names());
  }

  @Test
  void shouldRefuseAnotherRunsCheckpoint() throws IOException {
    save(2, 1, null);
    RunDescription other =
        new RunDescription(
            new TreeMap<>(Map.of("model", "sha256:other", "rank", "3")), RUN.layout());
    for (SummingRanks.Ended<Boolean> ended :
        SummingRanks.run(2, collective -> restoreAs(other, collective))) {
      SparktuneException e = (SparktuneException) ended.failure();
      assertEquals(ErrorCode.MISMATCH, e.code());
      assertTrue(e.getMessage().contains("model was sha256:base and is now sha256:other"));
      assertTrue(e.getMessage().contains("seed was 3 and is now not set"));
      assertTrue(e.getMessage().contains("rank was not set and is now 3"));
      assertTrue(e.hint().contains("another version of sparktune"), e.hint());
    }
  }

  @Test
  void shouldNotBlameAnotherVersionWhereOnlyValuesDiffer() throws IOException {
    save(1, 1, null);
    RunDescription other =
        new RunDescription(
            new TreeMap<>(Map.of("model", "sha256:base", "seed", "4")), RUN.layout());
    for (SummingRanks.Ended<Boolean> ended :
        SummingRanks.run(1, collective -> restoreAs(other, collective))) {
      SparktuneException e = (SparktuneException) ended.failure();
      assertEquals(ErrorCode.MISMATCH, e.code());
      assertTrue(e.getMessage().endsWith("another run: seed was 3 and is now 4."), e.getMessage());
      assertFalse(e.hint().contains("version"), e.hint());
    }
  }

  @ParameterizedTest
  @CsvSource({"1", "7"})
  void shouldRefuseOtherVersions(int version) throws IOException {
    save(1, 1, null);
    Path manifest = folder.resolve("step-00000001/state.json");
    Files.writeString(
        manifest,
        Files.readString(manifest)
            .replace("\"format_version\" : 2", "\"format_version\" : " + version));
    for (SummingRanks.Ended<Long> ended : tryRestore(2, 1)) {
      SparktuneException e = (SparktuneException) ended.failure();
      assertEquals(ErrorCode.UNSUPPORTED, e.code());
      assertTrue(e.getMessage().contains("has version " + version), e.getMessage());
      assertFalse(e.hint().isEmpty());
    }
  }

  @Test
  void shouldLeaveTheFormerOneWhenARankIsLost() throws IOException {
    save(4, 1, null);
    for (int lost = 0; lost < 4; lost++) {
      int dying = lost;
      List<SummingRanks.Ended<String>> ended =
          SummingRanks.run(
              4,
              collective -> {
                if (collective.rank() == dying) {
                  // It takes part in the first agreement and is never heard of again.
                  collective.sum(new long[4]);
                  throw new IllegalStateException("killed");
                }
                try (Shards shards = new Shards(collective.rank(), 4, LENGTH, BUCKET).set(2)) {
                  return store(collective).save(snapshot(2, null), shards.vectors());
                }
              });
      for (int rank = 0; rank < 4; rank++) {
        if (rank != dying) {
          SparktuneException e = (SparktuneException) ended.get(rank).failure();
          assertEquals(ErrorCode.PEER_LOST, e.code());
        }
      }
      assertEquals(1, restore(3, 1));
    }
    save(3, 2, null);
    assertEquals(List.of("latest", "step-00000001", "step-00000002"), names());
  }

  @Test
  void shouldPassLongTextsBetweenRanks() {
    List<List<String>> heard =
        SummingRanks.values(
            3,
            collective ->
                new Agreement(collective).gather("ä€".repeat(collective.rank() * 150_000)));
    for (List<String> texts : heard) {
      for (int rank = 0; rank < 3; rank++) {
        assertEquals("ä€".repeat(rank * 150_000), texts.get(rank));
      }
    }
  }

  private void save(int ranks, long step, Double loss) {
    save(ranks, step, loss, 2);
  }

  private void save(int ranks, long step, Double loss, int keep) {
    SummingRanks.values(
        ranks,
        collective -> {
          try (Shards shards = new Shards(collective.rank(), ranks, LENGTH, BUCKET).set(step)) {
            return store(collective, keep, RUN).save(snapshot(step, loss), shards.vectors());
          }
        });
  }

  /** Restores and checks every element; returns the step. */
  private long restore(int ranks, long expected) {
    for (SummingRanks.Ended<Long> ended : tryRestore(ranks, expected)) {
      if (ended.failure() != null) {
        throw ended.failure();
      }
      assertEquals(expected, ended.value());
    }
    return expected;
  }

  private List<SummingRanks.Ended<Long>> tryRestore(int ranks, long expected) {
    return SummingRanks.run(
        ranks,
        collective -> {
          // Other buckets than the ones it was saved with.
          try (Shards shards = new Shards(collective.rank(), ranks, LENGTH, 3 * 1024)) {
            Snapshot found = store(collective).restore(shards.vectors()).orElseThrow();
            assertEquals(0, shards.wrong(expected));
            return found.step();
          }
        });
  }

  private boolean restoreAs(RunDescription run, Collective collective) {
    try (Shards shards = new Shards(collective.rank(), collective.ranks(), LENGTH, BUCKET)) {
      return store(collective, 2, run).restore(shards.vectors()).isPresent();
    }
  }

  private CheckpointStore store(Collective collective) {
    return store(collective, 2, RUN);
  }

  private CheckpointStore store(Collective collective, int keep, RunDescription run) {
    return CheckpointStore.open(folder.toString(), new Configuration(), keep, run, collective);
  }

  private static Snapshot snapshot(long step, Double loss) {
    JsonNode state = new ObjectMapper().createObjectNode().put("tokens", 100 * step);
    return new Snapshot(step, loss, state);
  }

  private Path part(long step, int rank) throws IOException {
    try (var files = Files.list(folder.resolve(CheckpointFolder.name(step)))) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("part-%05d".formatted(rank)))
          .findFirst()
          .orElseThrow();
    }
  }

  private List<String> names() throws IOException {
    try (var found = Files.list(folder)) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
