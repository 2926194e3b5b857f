package org.sparktune.trainer.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** Checkpoints where writing and reading fail, at every point. */
class CheckpointFaultsTest {
  private static final int RANKS = 4;
  private static final long LENGTH = 1 << 16;
  private static final RunDescription RUN =
      new RunDescription(new TreeMap<>(Map.of("seed", "3")), List.of());

  @TempDir private Path folder;
  private String scheme = "objects";

  @Test
  void shouldSaveAndRestoreWithoutRenaming() throws IOException {
    for (int step = 1; step <= 4; step++) {
      assertEquals(List.of(), failures(save(step, 1.0 / step, -1, new Configuration(false))));
    }
    assertEquals(4, restored(new Configuration(false)));
    assertEquals(List.of("best", "latest", "step-00000003", "step-00000004"), names());
  }

  @ParameterizedTest
  @CsvSource({
    "part-00002, 2, No space left on device, RESOURCES, Rank 2 of 4",
    "part-00000, 0, No space left on device, RESOURCES, Rank 0 of 4",
    "part-00001, 1, Permission denied, OUTPUT, Rank 1 of 4",
    "state.json, 0, The space quota is exceeded, RESOURCES, Rank 0 of 4",
  })
  void shouldEndAllRanksAlikeWhenOneCannotWrite(
      String file, int rank, String message, ErrorCode code, String who) throws IOException {
    save(1, null, -1, new Configuration(false));
    Configuration fault = new Configuration(false);
    fault.set(FaultyFileSystem.FAILING, file);
    fault.setLong(FaultyFileSystem.FAILS_AFTER, 500);
    fault.set(FaultyFileSystem.MESSAGE, message);
    List<SparktuneException> failures = failures(save(2, null, rank, fault));
    assertEquals(RANKS, failures.size());
    for (SparktuneException failure : failures) {
      assertEquals(code, failure.code());
      assertEquals(
          "%s: The checkpoint objects:%s/step-00000002 cannot be written (%s)."
              .formatted(who, folder, message),
          failure.getMessage());
      assertTrue(failure.hint().contains("goes on from"), failure.hint());
    }
    assertEquals(List.of("latest", "step-00000001"), names());
    assertEquals(1, restored(new Configuration(false)));
    assertEquals(List.of(), failures(save(2, null, -1, new Configuration(false))));
    assertEquals(2, restored(new Configuration(false)));
  }

  @Test
  void shouldNotBeginWhatDoesNotFit() throws IOException {
    save(1, null, -1, new Configuration(false));
    Configuration fault = new Configuration(false);
    fault.setLong(FaultyFileSystem.FREE, 1000);
    List<SparktuneException> failures = failures(save(2, null, 0, fault));
    assertEquals(RANKS, failures.size());
    for (SparktuneException failure : failures) {
      assertEquals(ErrorCode.RESOURCES, failure.code());
      assertTrue(failure.getMessage().contains("1,000 are free"), failure.getMessage());
      assertTrue(failure.hint().contains("step-00000001"), failure.hint());
    }
    assertEquals(List.of("latest", "step-00000001"), names());
  }

  @Test
  void shouldNotFallBackFromWhatCannotBeReached() {
    save(1, null, -1, new Configuration(false));
    save(2, null, -1, new Configuration(false));
    Configuration fault = new Configuration(false);
    fault.set(FaultyFileSystem.UNREADABLE, "part-00001");
    for (SummingRanks.Ended<Long> ended : restore(2, fault)) {
      SparktuneException failure = (SparktuneException) ended.failure();
      assertEquals(ErrorCode.OUTPUT, failure.code());
      assertTrue(failure.getMessage().contains("connection refused"), failure.getMessage());
    }
    assertEquals(2, restored(new Configuration(false)));
  }

  @Test
  void shouldKeepACheckpointWhosePointerCannotBeWritten() throws IOException {
    save(1, null, -1, new Configuration(false));
    Configuration fault = new Configuration(false);
    fault.set(FaultyFileSystem.FAILING, "latest");
    assertEquals(List.of(), failures(save(2, null, 0, fault)));
    assertEquals(2, restored(new Configuration(false)));
    assertEquals("step-00000001\n", Files.readString(folder.resolve("latest")));
  }

  @ParameterizedTest
  @ValueSource(strings = {"objects", "hdfs"})
  void shouldSurviveAPowerFailureAtAnyPoint(String newScheme) throws IOException {
    scheme = newScheme;
    Configuration none = new Configuration(false);
    save(1, 3.0, -1, none);
    save(2, 2.0, -1, none);
    long step = 2;
    int failures = 0;
    boolean failed = true;
    for (int changes = 0; failed; changes++) {
      FaultyFileSystem.failPowerAfter(changes);
      List<SparktuneException> ended = failures(save(step + 1, 1.0 / step, -1, none));
      failed = FaultyFileSystem.powerHasFailed();
      FaultyFileSystem.failPowerAfter(Long.MAX_VALUE);
      long restored = restored(none);
      if (ended.isEmpty()) {
        assertEquals(step + 1, restored, "after %d changes".formatted(changes));
      } else {
        failures++;
        // A manifest may be complete although nobody was told.
        assertTrue(restored == step || restored == step + 1, "after %d changes".formatted(changes));
      }
      step = restored;
    }
    assertTrue(failures > 20, failures + " failures");
    save(step + 1, null, -1, none);
    save(step + 2, null, -1, none);
    for (String name : names()) {
      assertTrue(name.matches("best|latest|step-\\d+"), name);
    }
    assertTrue(names().size() <= 5, names().toString());
  }

  /** Saves on all ranks, one of which has other settings. */
  private List<SummingRanks.Ended<String>> save(
      long step, Double loss, int faulty, Configuration fault) {
    return SummingRanks.run(
        RANKS,
        collective -> {
          Configuration hadoop = FaultyFileSystem.configuration();
          if (collective.rank() == faulty) {
            hadoop.addResource(fault);
          }
          try (Shards shards = new Shards(collective.rank(), RANKS, LENGTH, 20_000).set(step)) {
            return CheckpointStore.open(location(), hadoop, 2, RUN, collective)
                .save(
                    new Snapshot(step, loss, new ObjectMapper().createObjectNode()),
                    shards.vectors());
          }
        });
  }

  private long restored(Configuration fault) {
    List<SummingRanks.Ended<Long>> ended = restore(1, fault);
    if (ended.get(0).failure() != null) {
      throw ended.get(0).failure();
    }
    return ended.get(0).value();
  }

  private List<SummingRanks.Ended<Long>> restore(int ranks, Configuration fault) {
    return SummingRanks.run(
        ranks,
        collective -> {
          Configuration hadoop = FaultyFileSystem.configuration();
          hadoop.addResource(fault);
          try (Shards shards = new Shards(collective.rank(), ranks, LENGTH, 5_000)) {
            long step =
                CheckpointStore.open(location(), hadoop, 2, RUN, collective)
                    .restore(shards.vectors())
                    .orElseThrow()
                    .step();
            assertEquals(0, shards.wrong(step));
            return step;
          }
        });
  }

  private static List<SparktuneException> failures(List<? extends SummingRanks.Ended<?>> ended) {
    List<SparktuneException> failures = new ArrayList<>();
    for (SummingRanks.Ended<?> rank : ended) {
      if (rank.failure() instanceof SparktuneException known) {
        failures.add(known);
      } else if (rank.failure() != null) {
        throw rank.failure();
      }
    }
    return failures;
  }

  private String location() {
    return scheme + ":" + folder;
  }

  private List<String> names() throws IOException {
    try (var found = Files.list(folder)) {
      return found.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
