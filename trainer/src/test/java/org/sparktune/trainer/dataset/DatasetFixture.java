package org.sparktune.trainer.dataset;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroupFactory;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.MessageTypeParser;
import org.sparktune.core.DatasetManifest;
import org.sparktune.trainer.model.DocumentLabels;

/** Writes small datasets the way Spark does, and other ways that must be readable too. */
public final class DatasetFixture {
  /** How the lists are nested. */
  public enum Encoding {
    /** Spark's. */
    THREE_LEVELS,
    /** Older writers'. */
    TWO_LEVELS
  }

  public static final String TOKENIZER = "sha256:tokenizer";

  private static final String[] COLUMNS = {"input_ids", "loss_mask", "document_starts"};
  private static final String MARGINS = "pair_margins";
  private static final String REFERENCES = "reference_log_probs";
  private static final String SCORES = "document_scores";

  private final Path folder;
  private final Encoding encoding;
  private final Map<String, List<DatasetManifest.Part>> parts = new TreeMap<>();
  private final Map<String, long[]> counts = new TreeMap<>();

  public DatasetFixture(Path folder, Encoding encoding) {
    this.folder = folder;
    this.encoding = encoding;
  }

  /** Random packed rows: 1 to 3 documents of 2 to 9 tokens, most targets carrying loss. */
  public static List<DatasetRow> randomRows(long seed, int count, int vocabulary) {
    Random random = new Random(seed);
    List<DatasetRow> rows = new ArrayList<>();
    for (int row = 0; row < count; row++) {
      int documents = 1 + random.nextInt(3);
      int[] starts = new int[documents];
      int length = 0;
      for (int document = 0; document < documents; document++) {
        starts[document] = length;
        length += 2 + random.nextInt(8);
      }
      int[] tokens = random.ints(length, 0, vocabulary).toArray();
      byte[] mask = new byte[length];
      for (int i = 0; i < length; i++) {
        mask[i] = (byte) (i == 1 || random.nextInt(4) > 0 ? 1 : 0);
      }
      rows.add(new DatasetRow(tokens, mask, starts, "", row));
    }
    return rows;
  }

  /** Writes one part; {@code rowGroupRows} rows make a row group. */
  public DatasetFixture part(String split, List<DatasetRow> rows, int rowGroupRows)
      throws IOException {
    List<DatasetManifest.Part> splitParts = parts.computeIfAbsent(split, s -> new ArrayList<>());
    String name = "%s/part-%05d.parquet".formatted(split, splitParts.size());
    Path file = folder.resolve(name);
    DocumentLabels labels = rows.isEmpty() ? DocumentLabels.NONE : rows.get(0).labels();
    MessageType schema = MessageTypeParser.parseMessageType(schema(labels));
    SimpleGroupFactory groups = new SimpleGroupFactory(schema);
    try (ParquetWriter<Group> writer =
        ExampleParquetWriter.builder(new org.apache.hadoop.fs.Path(file.toUri()))
            .withType(schema)
            .withConf(new Configuration())
            .withRowGroupSize(1L)
            .withMinRowCountForPageSizeCheck(rowGroupRows)
            .build()) {
      for (DatasetRow row : rows) {
        Group group = groups.newGroup();
        int[] mask = new int[row.lossMask().length];
        for (int i = 0; i < mask.length; i++) {
          mask[i] = row.lossMask()[i];
        }
        add(group, COLUMNS[0], row.tokens());
        add(group, COLUMNS[1], mask);
        add(group, COLUMNS[2], row.documentStarts());
        add(group, MARGINS, row.labels().margins());
        add(group, REFERENCES, row.labels().referenceLogProbs());
        add(group, SCORES, row.labels().scores());
        writer.write(group);
      }
    }
    splitParts.add(new DatasetManifest.Part(name, rows.size(), Files.size(file)));
    long[] count = counts.computeIfAbsent(split, s -> new long[4]);
    for (DatasetRow row : rows) {
      count[0] += row.documentStarts().length;
      count[1]++;
      count[2] += row.tokens().length;
      count[3] += DatasetRow.batch(List.of(row)).validTokens();
    }
    return this;
  }

  /** Writes the manifest and returns the folder. */
  public Path finish() throws IOException {
    return finish("sft", DatasetManifest.SCHEMA_VERSION);
  }

  /** Writes a manifest of any kind and version and returns the folder. */
  public Path finish(String kind, int version) throws IOException {
    Map<String, DatasetManifest.Split> splits = new TreeMap<>();
    parts.forEach(
        (split, splitParts) -> {
          long[] count = counts.get(split);
          splits.put(
              split, new DatasetManifest.Split(splitParts, count[0], count[1], count[2], count[3]));
        });
    DatasetManifest manifest =
        new DatasetManifest(
            version,
            kind,
            TOKENIZER,
            "",
            0,
            64,
            42,
            Map.of(),
            splits,
            0,
            Map.of("empty", 3L),
            List.of(),
            "sha256:fixture");
    Files.createDirectories(folder);
    new ObjectMapper().writeValue(folder.resolve(DatasetManifest.FILE_NAME).toFile(), manifest);
    return folder;
  }

  private String schema(DocumentLabels labels) {
    StringBuilder schema = new StringBuilder("message spark_schema {");
    for (String column : COLUMNS) {
      schema.append(list(column, "int32"));
    }
    if (labels.margins().length > 0) {
      schema.append(list(MARGINS, "float"));
    }
    if (labels.referenceLogProbs().length > 0) {
      schema.append(list(REFERENCES, "float"));
    }
    if (labels.scores().length > 0) {
      schema.append(list(SCORES, "float"));
    }
    return schema.append(" }").toString();
  }

  private String list(String column, String type) {
    return switch (encoding) {
      case THREE_LEVELS ->
          " optional group %s (LIST) { repeated group list { optional %s element; } }"
              .formatted(column, type);
      case TWO_LEVELS -> " required group %s (LIST) { repeated %s array; }".formatted(column, type);
    };
  }

  private void add(Group row, String column, float[] values) {
    if (values.length == 0) {
      return;
    }
    Group list = row.addGroup(column);
    for (float value : values) {
      switch (encoding) {
        case THREE_LEVELS -> list.addGroup("list").add("element", value);
        case TWO_LEVELS -> list.add("array", value);
      }
    }
  }

  private void add(Group row, String column, int[] values) {
    Group list = row.addGroup(column);
    for (int value : values) {
      switch (encoding) {
        case THREE_LEVELS -> list.addGroup("list").add("element", value);
        case TWO_LEVELS -> list.add("array", value);
      }
    }
  }
}
