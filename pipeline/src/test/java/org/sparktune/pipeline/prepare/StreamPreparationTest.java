package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.spec.ArrivalOptions;
import org.sparktune.pipeline.spec.ArrivalOptions.Mode;
import org.sparktune.pipeline.spec.ArrivalOptions.Trigger;

/** Structured Streaming, and what remains of it after a crash between any two writes. */
class StreamPreparationTest {
  private static final ArrivalOptions TWO_FILES =
      new ArrivalOptions(Mode.STREAM, Trigger.AVAILABLE_NOW, 1, 2);
  private static final List<String> SPLITS = List.of("train", "validation");

  @TempDir Path folder;

  private ArrivingFiles files;

  @BeforeAll
  static void registerFileSystem() {
    FailingFileSystem.register(LocalSpark.session().sparkContext().hadoopConfiguration());
  }

  @BeforeEach
  void makeInbox() throws IOException {
    files = new ArrivingFiles(folder, FailingFileSystem.SCHEME + ":");
  }

  @AfterEach
  void recover() {
    FailingFileSystem.recover();
  }

  private VersionSummary stream(ArrivalOptions arrival) {
    return StreamPreparation.run(
        LocalSpark.session(), files.options(files.dataset(), "out"), arrival, () -> false, 1 << 12);
  }

  private DatasetVersions versions() {
    return new DatasetVersions(
        new HadoopStorage(LocalSpark.session().sparkContext().hadoopConfiguration()));
  }

  private void assertIsTheBatch(int records) throws IOException {
    PreparePipeline.prepare(LocalSpark.session(), files.options(files.dataset(), "batch"));
    for (String split : SPLITS) {
      assertEquals(files.documents("batch", split), files.documents("out", split), split);
    }
    assertEquals(records, files.manifest("out").recordsRead());
  }

  @Test
  void shouldTakeInFilesInBatchesWhateverTheirAge() throws IOException {
    for (int i = 0; i < 3; i++) {
      files.write("day%d.jsonl".formatted(i), 20 * i, 20 * i + 20);
    }
    assertEquals(2, stream(TWO_FILES).added(), "two batches of at most two files");
    assertEquals(0, stream(TWO_FILES).added());
    // Late by years, twice, and hidden while it is being written.
    files.write("late.jsonl", 60, 75);
    Path late = folder.resolve("inbox/late.jsonl");
    Files.setLastModifiedTime(late, FileTime.fromMillis(1_000_000_000_000L));
    Files.copy(late, folder.resolve("inbox/copy.jsonl"));
    files.write("_uploading.jsonl", 500, 510);
    VersionSummary summary = stream(TWO_FILES);
    assertEquals(1L, summary.figures().get("duplicate_files"), summary.figures().toString());
    assertEquals(15L, summary.figures().get("records"));
    Files.delete(folder.resolve("inbox/copy.jsonl"));
    assertIsTheBatch(75);
    // Who asks next is told the same, without a stream.
    assertEquals(
        0,
        IncrementalPreparation.prepare(
                LocalSpark.session(), files.options(files.dataset(), "out"), 1 << 12)
            .added());
  }

  @Test
  void shouldGoOnUntilItIsStopped() throws IOException {
    files.write("a.jsonl", 0, 20);
    AtomicInteger asked = new AtomicInteger();
    VersionSummary summary =
        StreamPreparation.run(
            LocalSpark.session(),
            files.options(files.dataset(), "out"),
            new ArrivalOptions(Mode.STREAM, Trigger.CONTINUOUS, 1, 10),
            () -> arriveOrStop(asked),
            1 << 12);
    assertEquals(2, summary.added());
    assertIsTheBatch(30);
  }

  private boolean arriveOrStop(AtomicInteger asked) {
    try {
      if (Files.exists(folder.resolve("out/v1")) && asked.getAndIncrement() == 0) {
        files.write("b.jsonl", 20, 30);
      }
      return Files.exists(folder.resolve("out/v2"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldLoseAndRepeatNothingWhereverItIsKilled() throws IOException {
    int crashes = 0;
    for (int day = 0; day < 2; day++) {
      files.write("day%d.jsonl".formatted(day), 40 * day, 40 * day + 20);
      files.write("day%d-more.jsonl".formatted(day), 40 * day + 20, 40 * day + 40);
      crashes += crashUntilDone();
    }
    assertTrue(crashes >= 14, crashes + " crashes");
    assertEquals(0, stream(TWO_FILES).added());
    assertIsTheBatch(80);
    Set<String> batches = new HashSet<>();
    for (int number : versions().list(folder.resolve("out").toString())) {
      DatasetManifest own = versions().own(folder.resolve("out/v" + number).toString());
      assertTrue(batches.add(own.version().batch()), "a batch is one version");
    }
    assertTrue(batches.size() >= 2, batches::toString);
  }

  /** Every attempt gets further than the one before; gives the number of those that failed. */
  private int crashUntilDone() throws IOException {
    int crashes = 0;
    Map<String, String> published = requireUnchanged(Map.of());
    for (int changes = 0; ; changes += 1 + changes / 4) {
      FailingFileSystem.failAfter(changes);
      try {
        stream(TWO_FILES);
        if (!FailingFileSystem.isGone()) {
          return crashes;
        }
      } catch (SparktuneException e) {
        crashes++;
      } finally {
        FailingFileSystem.recover();
      }
      published = requireUnchanged(published);
    }
  }

  /** Versions that are there stay as they are. */
  private Map<String, String> requireUnchanged(Map<String, String> before) throws IOException {
    Map<String, String> now = new TreeMap<>();
    for (int number : versions().list(folder.resolve("out").toString())) {
      now.putAll(files.checksums("out/v" + number));
    }
    before.forEach((file, checksum) -> assertEquals(checksum, now.get(file), file));
    return now;
  }

  @Test
  void shouldSayThatASourceIsNotThere() throws IOException {
    Files.delete(folder.resolve("inbox"));
    SparktuneException e = assertThrows(SparktuneException.class, () -> stream(TWO_FILES));
    assertTrue(e.getMessage().contains("inbox"), e.getMessage());
  }
}
