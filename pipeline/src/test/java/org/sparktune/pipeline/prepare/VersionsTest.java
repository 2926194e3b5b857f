package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetStages;
import org.sparktune.pipeline.spec.DecontaminateOptions;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/** Runs over files that keep arriving. */
class VersionsTest {
  private static final DeduplicateOptions AGAINST_VERSIONS =
      new DeduplicateOptions(true, false, 0.8, 128, 5, List.of(), false, true);

  @TempDir Path folder;

  private ArrivingFiles files;

  @BeforeEach
  void makeInbox() throws IOException {
    files = new ArrivingFiles(folder);
  }

  private VersionSummary append(DatasetOptions dataset) {
    return IncrementalPreparation.prepare(
        LocalSpark.session(), files.options(dataset, "out"), 1 << 12);
  }

  private VersionSummary append() {
    return append(files.dataset());
  }

  private DatasetManifest own(int version) throws IOException {
    return new DatasetVersions(new HadoopStorage(new Configuration()))
        .own(folder.resolve("out/v" + version).toString());
  }

  @Test
  void shouldAppendVersionsOfNewFilesThatTogetherAreTheBatch() throws IOException {
    files.write("day1.jsonl", 0, 40);
    files.write("day1-more.jsonl", 40, 60);
    assertEquals(1, append().newest());
    Map<String, String> first = files.checksums("out/v1");
    files.write("day2.jsonl", 60, 100);
    VersionSummary second = append();
    assertEquals(2, second.newest());
    assertEquals(1L, second.figures().get("new_files"), second.figures().toString());
    files.write("late/day0.jsonl", 100, 130);
    append();

    assertEquals(first, files.checksums("out/v1"), "a version never changes");
    assertEquals(List.of("day2.jsonl"), files.names(own(2)));
    assertEquals(40, own(2).recordsRead());
    PreparePipeline.prepare(LocalSpark.session(), files.options(files.dataset(), "batch"));
    for (String split : List.of("train", "validation")) {
      assertEquals(files.documents("batch", split), files.documents("out", split), split);
      assertTrue(files.documents("out", split).size() > 3, split);
    }
    assertEquals(files.documents("out@v3", "train"), files.documents("out", "train"));
    assertTrue(files.documents("out", "train").containsAll(files.documents("out@v2", "train")));
    assertEquals(130, files.manifest("out").recordsRead());
    assertEquals(100, files.manifest("out@v2").recordsRead());
  }

  @Test
  void shouldChangeNothingWhenNothingIsNew() throws IOException {
    files.write("a.jsonl", 0, 20);
    append();
    Map<String, String> before = files.checksums("out");
    VersionSummary again = append();
    assertEquals(0, again.added());
    assertEquals(true, again.figures().get("nothing_new"));
    assertEquals(before, files.checksums("out"));

    // The same bytes: at another time, under another name, twice at once, or none at all.
    Path file = folder.resolve("inbox/a.jsonl");
    Files.setLastModifiedTime(file, FileTime.fromMillis(1_000_000_000_000L));
    Files.copy(file, folder.resolve("inbox/copy.jsonl"));
    Files.createFile(folder.resolve("inbox/empty.jsonl"));
    VersionSummary copies = append();
    assertEquals(0, copies.added());
    assertEquals(2L, copies.figures().get("duplicate_files"));
    assertEquals(before, files.checksums("out"));

    files.write("b.jsonl", 20, 30);
    Files.copy(folder.resolve("inbox/b.jsonl"), folder.resolve("inbox/c.jsonl"));
    append();
    assertEquals(List.of("b.jsonl"), files.names(own(2)));
    assertEquals(3, own(2).version().duplicates().size());
    assertEquals(10, own(2).recordsRead());
  }

  @Test
  void shouldBeginWithAnEmptyFolderAndRefuseOneThatIsNotThere() throws IOException {
    assertEquals(0, append().newest());
    assertFalse(Files.exists(folder.resolve("out/v1")));
    Files.delete(folder.resolve("inbox"));
    SparktuneException e = assertThrows(SparktuneException.class, this::append);
    assertEquals(ErrorCode.BAD_FILE, e.code());
  }

  @Test
  void shouldReadAFileAgainThatHasOtherBytesAndLeaveKnownRecordsOut() throws IOException {
    DatasetOptions dataset =
        files
            .dataset()
            .withStages(
                DatasetStages.NONE.withCuration(
                    CleanOptions.NONE, AGAINST_VERSIONS, DecontaminateOptions.NONE));
    files.write("a.jsonl", 0, 20);
    append(dataset);
    files.write("a.jsonl", 0, 35);
    VersionSummary second = append(dataset);
    assertEquals(1L, second.figures().get("changed_files"));
    files.write("b.jsonl", 10, 50);
    append(dataset);
    assertEquals(20L, own(2).rejects().get("known"));
    assertEquals(25L, own(3).rejects().get("known"));
    assertEquals(
        50, files.documents("out", "train").size() + files.documents("out", "validation").size());

    // Another dataset may be held against one of the versions.
    files.write("c.jsonl", 0, 60);
    DatasetOptions other =
        files
            .dataset("c.jsonl")
            .withStages(
                DatasetStages.NONE.withCuration(
                    CleanOptions.NONE,
                    new DeduplicateOptions(
                        true,
                        false,
                        0.8,
                        128,
                        5,
                        List.of(folder.resolve("out@v2").toString()),
                        false),
                    DecontaminateOptions.NONE));
    DatasetManifest manifest =
        PreparePipeline.prepare(LocalSpark.session(), files.options(other, "other"));
    assertEquals(35L, manifest.rejects().get("known"));
  }

  @Test
  void shouldRefuseToMixWhatIsPreparedInDifferentWays() throws IOException {
    files.write("a.jsonl", 0, 20);
    append();
    files.write("b.jsonl", 20, 30);
    DatasetOptions other = files.dataset().withKind(DatasetOptions.Kind.PROMPT);
    SparktuneException e = assertThrows(SparktuneException.class, () -> append(other));
    assertEquals(ErrorCode.MISMATCH, e.code());
    assertTrue(e.getMessage().contains("kind sft"), e.getMessage());

    PreparePipeline.prepare(LocalSpark.session(), files.options(files.dataset(), "plain"));
    SparktuneException plain =
        assertThrows(
            SparktuneException.class,
            () ->
                IncrementalPreparation.prepare(
                    LocalSpark.session(), files.options(files.dataset(), "plain")));
    assertEquals(ErrorCode.OUTPUT, plain.code());
  }

  @Test
  void shouldTellTemplatesTheSameDayInAllVersions() throws IOException {
    Path template =
        Files.writeString(
            folder.resolve("dated.jinja"),
            "{{ strftime_now('%d %b %Y') }}{% for m in messages %}{{ m['content'] }}{% endfor %}");
    files.write("a.jsonl", 0, 20);
    PrepareOptions today = files.options(files.dated(template), "out");
    IncrementalPreparation.prepare(LocalSpark.session(), today);
    files.write("b.jsonl", 20, 30);
    PrepareOptions tomorrow = today.at(today.time().plusDays(1));
    assertEquals(2, IncrementalPreparation.prepare(LocalSpark.session(), tomorrow).newest());
    assertEquals(own(1).version().time(), own(2).version().time());
    assertEquals(own(1).templateFingerprint(), own(2).templateFingerprint());
  }

  @Test
  void shouldKeepTheOldVersionWhenTheNewOneFails() throws IOException {
    files.write("a.jsonl", 0, 20);
    append();
    Map<String, String> before = files.checksums("out");
    Files.writeString(folder.resolve("inbox/bad.jsonl"), "{\"text\": 1}\n{\"text\": \"cut\n");
    SparktuneException e = assertThrows(SparktuneException.class, this::append);
    assertEquals(ErrorCode.BAD_DATA, e.code());
    assertEquals(before, files.checksums("out"));
    Files.delete(folder.resolve("inbox/bad.jsonl"));
    // What a killed job leaves is no version, and goes with the next.
    Files.createDirectories(folder.resolve("out/.v2.preparing/train"));
    Files.writeString(folder.resolve("out/.v2.preparing/train/part-00000.parquet"), "half");
    assertEquals(20, files.manifest("out").recordsRead());
    files.write("b.jsonl", 20, 30);
    assertEquals(2, append().newest());
    assertFalse(Files.exists(folder.resolve("out/.v2.preparing")));
    assertNull(own(2).version().batch());
  }

  @Test
  void shouldSayWhichVersionsThereAre() throws IOException {
    files.write("a.jsonl", 0, 20);
    append();
    SparktuneException e = assertThrows(SparktuneException.class, () -> files.manifest("out@v7"));
    assertEquals(ErrorCode.BAD_FILE, e.code());
    assertTrue(e.getMessage().contains("only v1 to v1"), e.getMessage());
  }
}
