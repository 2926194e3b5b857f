package org.sparktune.pipeline.prepare;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.github.luben.zstd.ZstdOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetManifest.Quarantined;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;
import org.sparktune.pipeline.spec.DatasetStages;
import org.sparktune.pipeline.spec.DecontaminateOptions;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/** Files that are damaged lose themselves and nothing else. */
class QuarantineTest {
  private static final int RECORDS = 1500;

  @TempDir Path folder;

  private ArrivingFiles files;
  private Path inbox;

  @BeforeEach
  void makeInbox() throws IOException {
    files = new ArrivingFiles(folder);
    inbox = folder.resolve("inbox");
    files.write("whole.jsonl", 0, 50);
  }

  /** Text that does not compress to nothing, so that half of a file holds about half of it. */
  private static byte[] text(int from, int count) {
    RandomGenerator random = RandomGeneratorFactory.of("L64X128MixRandom").create(from);
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < count; i++) {
      lines.append("{\"text\": \"%d %x\"}\n".formatted(from + i, random.nextLong()));
    }
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static void cutInHalf(Path file) throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length / 2));
  }

  private void writeDamaged() throws IOException {
    try (OutputStream out =
        new GZIPOutputStream(Files.newOutputStream(inbox.resolve("cut.jsonl.gz")))) {
      out.write(text(10_000, RECORDS));
    }
    cutInHalf(inbox.resolve("cut.jsonl.gz"));
    try (OutputStream out =
        new ZstdOutputStream(Files.newOutputStream(inbox.resolve("cut.jsonl.zst")))) {
      out.write(text(20_000, 8 * RECORDS));
    }
    cutInHalf(inbox.resolve("cut.jsonl.zst"));
    Path parquet = folder.resolve("parquet");
    LocalSpark.session()
        .range(1000)
        .selectExpr("concat('parquet ', id) as text")
        .coalesce(1)
        .write()
        .parquet(parquet.toString());
    try (Stream<Path> parts = Files.list(parquet)) {
      Path part =
          parts.filter(path -> path.toString().endsWith(".parquet")).findFirst().orElseThrow();
      Files.copy(part, inbox.resolve("cut.parquet"));
    }
    cutInHalf(inbox.resolve("cut.parquet"));
    Files.writeString(
        inbox.resolve("cut.json"), "[{\"text\": \"first of a list\"}, {\"text\": \"sec");
    Files.writeString(inbox.resolve("prose.txt"), "Once upon a time\n");
  }

  private static Map<String, Quarantined> byName(DatasetManifest manifest) {
    Map<String, Quarantined> byName = new TreeMap<>();
    for (Quarantined file : manifest.quarantined()) {
      byName.put(file.path().substring(file.path().lastIndexOf('/') + 1), file);
    }
    return byName;
  }

  @Test
  void shouldLoseOnlyWhatComesAfterTheDamage() throws IOException {
    writeDamaged();
    DatasetManifest manifest =
        PreparePipeline.prepare(LocalSpark.session(), files.options(files.dataset(), "out"));

    Map<String, Quarantined> damaged = byName(manifest);
    assertEquals(
        List.of("cut.json", "cut.jsonl.gz", "cut.jsonl.zst", "cut.parquet", "prose.txt"),
        List.copyOf(damaged.keySet()));
    assertEquals(1, damaged.get("cut.json").records());
    assertEquals(0, damaged.get("cut.parquet").records());
    assertEquals(0, damaged.get("prose.txt").records());
    long zipped = damaged.get("cut.jsonl.gz").records();
    assertTrue(zipped > RECORDS / 4 && zipped < RECORDS * 3 / 4, "records " + zipped);
    long zstd = damaged.get("cut.jsonl.zst").records();
    assertTrue(zstd > RECORDS && zstd < 7 * RECORDS, "records " + zstd);
    assertTrue(damaged.get("cut.parquet").reason().contains("Parquet"), damaged.toString());
    assertEquals(51 + zipped + zstd, manifest.recordsRead());
    assertEquals(Map.of(), manifest.rejects());
    long documents = 0;
    for (DatasetManifest.Split split : manifest.splits().values()) {
      documents += split.documents();
    }
    assertEquals(manifest.recordsRead(), documents);
    String report = Files.readString(folder.resolve("out/report.html"));
    assertTrue(report.contains("cut.parquet"), report);
    assertTrue(report.contains("Tokens of a document"), report);
  }

  @Test
  void shouldFindDuplicatesAmongWhatCanBeRead() throws IOException {
    writeDamaged();
    files.write("again.jsonl", 25, 60);
    DatasetOptions dataset =
        files
            .dataset()
            .withStages(
                DatasetStages.NONE.withCuration(
                    CleanOptions.NONE,
                    new DeduplicateOptions(true, false, 0.8, 128, 5, List.of(), false),
                    DecontaminateOptions.NONE));
    DatasetManifest manifest =
        PreparePipeline.prepare(LocalSpark.session(), files.options(dataset, "out"));
    assertEquals(5, manifest.quarantined().size());
    assertEquals(25L, manifest.rejects().get("duplicate"));
  }

  @Test
  void shouldFailAtDamageWhereItIsAskedTo() throws IOException {
    writeDamaged();
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () ->
                PreparePipeline.prepare(
                    LocalSpark.session(),
                    files.options(files.dataset().withOnCorrupt(OnCorrupt.FAIL), "out")));
    assertEquals(ErrorCode.BAD_FILE, e.code());
    assertTrue(Files.notExists(folder.resolve("out")));
  }

  @Test
  void shouldTryAFileAgainOfWhichNothingCouldBeRead() throws IOException {
    PrepareOptions options = files.options(files.dataset(), "out");
    IncrementalPreparation.prepare(LocalSpark.session(), options);
    writeDamaged();
    VersionSummary damaged = IncrementalPreparation.prepare(LocalSpark.session(), options);
    assertEquals(2, damaged.newest());
    assertEquals(5, damaged.quarantined().size());
    VersionSummary again = IncrementalPreparation.prepare(LocalSpark.session(), options);
    assertEquals(0, again.added(), again.figures().toString());
    Files.delete(inbox.resolve("prose.txt"));
    Files.delete(inbox.resolve("cut.parquet"));
    Files.writeString(inbox.resolve("cut.json"), "[{\"text\": \"it is whole again\"}]");
    VersionSummary repaired = IncrementalPreparation.prepare(LocalSpark.session(), options);
    assertEquals(1L, repaired.figures().get("records"));
    assertEquals(List.of(), repaired.quarantined());
  }
}
