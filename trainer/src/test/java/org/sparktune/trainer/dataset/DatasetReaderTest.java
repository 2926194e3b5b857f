package org.sparktune.trainer.dataset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.Executable;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.DatasetFixture.Encoding;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.DocumentLabels;

class DatasetReaderTest {
  private static final int VOCABULARY = 50;
  private static final List<DatasetRow> FIRST = DatasetFixture.randomRows(1, 47, VOCABULARY);
  private static final List<DatasetRow> SECOND = DatasetFixture.randomRows(2, 13, VOCABULARY);

  @TempDir private Path folder;

  @ParameterizedTest
  @EnumSource(Encoding.class)
  void shouldReadRowsAsStored(Encoding encoding) throws IOException {
    dataset(encoding);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      assertEquals(60, reader.rows());
      for (int epoch = 0; epoch < 2; epoch++) {
        assertEquals(epoch, reader.cursor().epoch());
        for (DatasetRow row : FIRST) {
          assertRow(row, "train/part-00000.parquet", reader.next());
        }
        for (DatasetRow row : SECOND) {
          assertRow(row, "train/part-00002.parquet", reader.next());
        }
      }
      assertEquals(new Cursor(2, 0, 0, 0), reader.cursor());
    }
  }

  @Test
  void shouldHaveSeveralRowGroupsInTheFixture() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      int rowGroups = 0;
      for (int i = 0; i < FIRST.size(); i++) {
        rowGroups = Math.max(rowGroups, reader.cursor().rowGroup() + 1);
        reader.next();
      }
      assertTrue(rowGroups > 2, "only " + rowGroups + " row groups");
    }
  }

  @Test
  void shouldReadDatasetsThatDoNotSayWhereDocumentsComeFrom() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      assertEquals("", reader.sourceLines(List.of(reader.next()), 3));
    }
  }

  @Test
  void shouldReshuffleEveryEpochButTheFirst() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reader = open(RowOrder.reshuffled(7))) {
      List<List<String>> epochs = new ArrayList<>();
      for (int epoch = 0; epoch < 3; epoch++) {
        List<String> places = new ArrayList<>();
        while (reader.cursor().epoch() == epoch) {
          DatasetRow row = reader.next();
          places.add(row.part() + " " + row.row());
        }
        assertEquals(60, new HashSet<>(places).size());
        epochs.add(places);
      }
      assertEquals("train/part-00000.parquet 0", epochs.get(0).get(0));
      assertNotEquals(epochs.get(0), epochs.get(1));
      assertNotEquals(epochs.get(1), epochs.get(2));
    }
  }

  @ParameterizedTest
  @ValueSource(longs = {1, 2, 5, 7, 16, 59, 60, 61, 1000})
  void shouldPassOverRowsAsIfTheyHadBeenRead(long rows) throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reading = open(RowOrder.reshuffled(7));
        DatasetReader skipping = open(RowOrder.reshuffled(7))) {
      for (int round = 0; round < 20; round++) {
        long epoch = reading.cursor().epoch();
        long passed = 0;
        while (passed < rows && reading.cursor().epoch() == epoch) {
          reading.next();
          passed++;
        }
        assertEquals(passed, skipping.skip(rows));
        assertEquals(reading.cursor(), skipping.cursor());
        DatasetRow expected = reading.next();
        assertRow(expected, expected.part(), skipping.next());
        assertEquals(reading.cursor(), skipping.cursor());
      }
    }
  }

  @Test
  void shouldGoOnExactlyFromAnyCursor() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reader = open(RowOrder.reshuffled(7));
        DatasetReader other = open(RowOrder.reshuffled(7))) {
      for (int i = 0; i < 150; i++) {
        Cursor cursor = reader.cursor();
        DatasetRow expected = reader.next();
        other.seek(cursor);
        DatasetRow row = other.next();
        assertEquals(expected.part(), row.part());
        assertEquals(expected.row(), row.row());
        assertArrayEquals(expected.tokens(), row.tokens());
        assertEquals(reader.cursor(), other.cursor());
      }
      assertEquals(reader.fingerprint(), other.fingerprint());
    }
    try (DatasetReader reader = open(RowOrder.reshuffled(8));
        DatasetReader other = open(RowOrder.STORED)) {
      assertNotEquals(reader.fingerprint(), other.fingerprint());
    }
  }

  @Test
  void shouldMakeTargetsInsideDocumentsOnly() {
    DatasetRow row =
        new DatasetRow(
            new int[] {5, 6, 7, 8, 9}, new byte[] {0, 1, 1, 1, 0}, new int[] {0, 3}, "", 0);
    DatasetRow single = new DatasetRow(new int[] {3, 4}, new byte[] {1, 1}, new int[] {0}, "", 1);
    Batch batch = DatasetRow.batch(List.of(row, single));
    assertArrayEquals(new int[] {5, 6, 7, 8, 9, 3, 4}, batch.tokens());
    assertArrayEquals(new int[] {6, 7, -100, -100, -100, 4, -100}, batch.targets());
    assertArrayEquals(new int[] {0, 3, 5, 7}, batch.documentStarts());
  }

  @ParameterizedTest
  @EnumSource(Encoding.class)
  void shouldReadWhatIsKnownOfDocuments(Encoding encoding) throws IOException {
    float[] references = {-1.5f, -2.5f, -3, -4};
    DocumentLabels labels =
        new DocumentLabels(new float[] {0.5f, 2}, references, new float[] {1, -1, 0.25f, 0});
    List<DatasetRow> rows = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      int[] tokens = {1, 2, 3, 4, 5, 6, 7, i};
      byte[] mask = {0, 1, 0, 1, 0, 1, 0, 1};
      rows.add(new DatasetRow(tokens, mask, new int[] {0, 2, 4, 6}, labels, "", i));
    }
    new DatasetFixture(folder, encoding).part("train", rows, 2).finish("preference", 1);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      Batch batch = DatasetRow.batch(List.of(reader.next(), reader.next()));
      assertArrayEquals(new float[] {0.5f, 2, 0.5f, 2}, batch.labels().margins());
      assertArrayEquals(new float[] {1, -1, 0.25f, 0, 1, -1, 0.25f, 0}, batch.labels().scores());
      assertArrayEquals(references, Arrays.copyOf(batch.labels().referenceLogProbs(), 4));
    }
  }

  @Test
  void shouldRefuseLabelsThatDoNotFitTheDocuments() throws IOException {
    DocumentLabels two = new DocumentLabels(new float[] {1, 2}, new float[0], new float[0]);
    DatasetRow row =
        new DatasetRow(new int[] {1, 2, 3, 4}, new byte[4], new int[] {0, 2}, two, "", 0);
    new DatasetFixture(folder, Encoding.THREE_LEVELS)
        .part("train", List.of(row), 1)
        .finish("preference", 1);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      SparktuneException e = failure(ErrorCode.BAD_FILE, reader::next);
      assertTrue(e.getMessage().contains("2 margins where there should be 1"), e.getMessage());
    }
  }

  @Test
  void shouldRefuseAnotherTokenizer() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    DatasetFolder dataset = DatasetFolder.open(folder.toString(), new Configuration());
    dataset.requireTokenizer(DatasetFixture.TOKENIZER);
    SparktuneException e =
        failure(ErrorCode.MISMATCH, () -> dataset.requireTokenizer("sha256:other"));
    assertTrue(e.getMessage().contains("sha256:tokenizer"), e.getMessage());
    assertTrue(e.getMessage().contains("sha256:other"), e.getMessage());
  }

  @Test
  void shouldRefuseIdsOutsideTheVocabulary() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    try (DatasetReader reader =
        DatasetFolder.open(folder.toString(), new Configuration())
            .split("train", 10, RowOrder.STORED)) {
      SparktuneException e = failure(ErrorCode.MISMATCH, reader::next);
      assertTrue(e.getMessage().startsWith("Row 0 of train/part-00000.parquet has token id"));
    }
  }

  @Test
  void shouldSayWhatIsMissing() throws IOException {
    Configuration configuration = new Configuration();
    SparktuneException e =
        failure(ErrorCode.BAD_FILE, () -> DatasetFolder.open(folder.toString(), configuration));
    assertTrue(e.getMessage().contains("_manifest.json"), e.getMessage());

    new DatasetFixture(folder, Encoding.THREE_LEVELS).finish();
    DatasetFolder empty = DatasetFolder.open(folder.toString(), configuration);
    assertFalse(empty.splitIfPresent("validation", 9, RowOrder.STORED).isPresent());
    e = failure(ErrorCode.BAD_DATA, () -> empty.split("train", 9, RowOrder.STORED));
    assertTrue(e.getMessage().contains("empty=3"), e.getMessage());
  }

  @Test
  void shouldRefuseNewerVersionsAndOtherKinds() throws IOException {
    DatasetFixture fixture = new DatasetFixture(folder, Encoding.THREE_LEVELS);
    fixture.part("train", SECOND, 5).finish("sft", 99);
    Configuration configuration = new Configuration();
    failure(ErrorCode.UNSUPPORTED, () -> DatasetFolder.open(folder.toString(), configuration));
    fixture.finish("preference", 1);
    DatasetFolder preference = DatasetFolder.open(folder.toString(), configuration);
    preference.requireKind("preference");
    failure(ErrorCode.MISMATCH, () -> preference.requireKind("sft"));
  }

  @Test
  void shouldFindMissingAndDamagedParts() throws IOException {
    dataset(Encoding.THREE_LEVELS);
    Path part = folder.resolve("train/part-00002.parquet");
    byte[] whole = Files.readAllBytes(part);
    Files.deleteIfExists(part.resolveSibling(".part-00002.parquet.crc"));

    Files.write(part, Arrays.copyOf(whole, whole.length - 7));
    SparktuneException e = failure(ErrorCode.BAD_FILE, () -> open(RowOrder.STORED));
    assertTrue(e.getMessage().contains("the manifest says " + whole.length), e.getMessage());

    Files.write(part, new byte[whole.length]);
    try (DatasetReader reader = open(RowOrder.STORED)) {
      for (int i = 0; i < FIRST.size(); i++) {
        reader.next();
      }
      e = failure(ErrorCode.BAD_FILE, reader::next);
      assertTrue(e.getMessage().startsWith("train/part-00002.parquet is not"), e.getMessage());
    }

    Files.delete(part);
    e = failure(ErrorCode.BAD_FILE, () -> open(RowOrder.STORED));
    assertTrue(e.getMessage().contains("is missing"), e.getMessage());
  }

  private void dataset(Encoding encoding) throws IOException {
    new DatasetFixture(folder, encoding)
        .part("train", FIRST, 10)
        .part("train", List.of(), 10)
        .part("train", SECOND, 5)
        .finish();
  }

  private DatasetReader open(RowOrder order) {
    return DatasetFolder.open(folder.toString(), new Configuration())
        .split("train", VOCABULARY, order);
  }

  private static void assertRow(DatasetRow expected, String part, DatasetRow actual) {
    assertArrayEquals(expected.tokens(), actual.tokens());
    assertArrayEquals(expected.lossMask(), actual.lossMask());
    assertArrayEquals(expected.documentStarts(), actual.documentStarts());
    assertEquals(part, actual.part());
    assertEquals(expected.row(), actual.row());
  }

  private static SparktuneException failure(ErrorCode code, Executable action) {
    SparktuneException e = assertThrows(SparktuneException.class, action);
    assertEquals(code, e.code(), e.getMessage());
    return e;
  }
}
