package org.sparktune.jobs.inspect;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetName;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.storage.HadoopSettings;
import org.sparktune.pipeline.storage.LocalCopies;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.tokenizer.Tokenizers;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;

/** What a dataset on any Hadoop file system says about itself, and what is in it. */
public final class DatasetInspector {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final TypeReference<LinkedHashMap<String, Object>> OBJECT =
      new TypeReference<>() {};
  private static final String PREFERENCE = "preference";

  private DatasetInspector() {}

  static boolean isDataset(String location) {
    return DatasetFolder.isDataset(location, HadoopSettings.here());
  }

  /**
   * The manifest, of each split the share of its rows that tokens fill, and of a folder with
   * versions what each of them added.
   */
  static Inspection inspect(String location) {
    Configuration hadoop = HadoopSettings.here();
    DatasetManifest manifest = DatasetFolder.open(location, hadoop).manifest();
    Map<String, Object> facts = JSON.convertValue(manifest, OBJECT);
    Map<String, Object> fill = new LinkedHashMap<>();
    manifest
        .splits()
        .forEach(
            (name, split) -> {
              if (split.rows() > 0) {
                fill.put(
                    name, split.tokens() / ((double) split.rows() * manifest.sequenceLength()));
              }
            });
    facts.put("fill", fill);
    DatasetName name = DatasetName.parse(location);
    if (manifest.version() != null && !name.isPinned()) {
      List<Map<String, Object>> versions = new ArrayList<>();
      for (int number : DatasetFolder.versions(location, hadoop)) {
        versions.add(version(DatasetFolder.open(location + "@v" + number, hadoop).ownManifest()));
      }
      facts.put("versions", versions);
    }
    return new Inspection(location, "dataset", facts, List.of());
  }

  private static Map<String, Object> version(DatasetManifest added) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("version", DatasetName.versionFolder(added.version().number()));
    facts.put("files", added.sources().size());
    facts.put("duplicate_files", added.version().duplicates().size());
    facts.put("quarantined_files", added.quarantined().size());
    facts.put("records", added.recordsRead());
    added
        .splits()
        .forEach(
            (split, content) -> {
              facts.put(split + "_documents", content.documents());
              facts.put(split + "_rows", content.rows());
              facts.put(split + "_tokens", content.tokens());
            });
    if (added.version().batch() != null) {
      facts.put("batch", added.version().batch());
    }
    return facts;
  }

  /**
   * The first records, as they are stored: of the split for training, then of the other.
   *
   * @param count how many at most; a preference pair is one
   * @param tokenizer where the tokenizer is; null for where it was when the dataset was made
   * @return by record its split, file and row there, its tokens and its text; {@code trained_text}
   *     is the part that carries loss
   * @throws SparktuneException {@link ErrorCode#USAGE} if there is no dataset or no tokenizer,
   *     {@link ErrorCode#MISMATCH} if the tokenizer is another one
   */
  public static List<Map<String, Object>> records(String location, int count, Path tokenizer) {
    if (!isDataset(location)) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "%s is no dataset, so it has no records to show.".formatted(location),
          "Leave --records out, or name a dataset's folder.");
    }
    DatasetFolder folder = DatasetFolder.open(location, HadoopSettings.here());
    Tokenizer loaded = tokenizer(folder.manifest(), location, tokenizer);
    folder.requireTokenizer(loaded.fingerprint());
    List<Map<String, Object>> records = new ArrayList<>();
    for (String split : folder.manifest().splits().keySet()) {
      Optional<DatasetReader> found =
          folder.splitIfPresent(split, loaded.vocabularySize(), RowOrder.STORED);
      if (found.isPresent()) {
        try (DatasetReader reader = found.get()) {
          boolean pairs = folder.manifest().kind().equals(PREFERENCE);
          for (long row = 0; row < reader.rows() && records.size() < count; row++) {
            addRecords(reader, split, pairs, loaded, records);
          }
        }
      }
    }
    return records.subList(0, Math.min(count, records.size()));
  }

  private static Tokenizer tokenizer(DatasetManifest manifest, String location, Path given) {
    if (given != null) {
      return Tokenizers.load(given);
    }
    String model = manifest.model();
    boolean there = model != null && (LocalCopies.isRemote(model) || Files.exists(Path.of(model)));
    if (!there) {
      throw new SparktuneException(
          ErrorCode.USAGE,
          "The tokenizer of the dataset %s is not known here%s."
              .formatted(location, model == null ? "" : "; it was " + model),
          "Name it with --tokenizer.");
    }
    return Tokenizers.load(LocalCopies.ofProcess().withoutWeights(model, HadoopSettings.here()));
  }

  /** The documents of the next row. */
  private static void addRecords(
      DatasetReader reader,
      String split,
      boolean pairs,
      Tokenizer tokenizer,
      List<Map<String, Object>> records) {
    DatasetRow row = reader.next();
    int[] starts = row.documentStarts();
    float[] margins = row.labels().margins();
    float[] scores = row.labels().scores();
    int step = pairs ? 2 : 1;
    for (int document = 0; document < starts.length; document += step) {
      Map<String, Object> record = new LinkedHashMap<>();
      record.put("split", split);
      record.put("file", row.part());
      record.put("row", row.row());
      if (pairs) {
        record.put("chosen", document(row, document, tokenizer));
        record.put("rejected", document(row, document + 1, tokenizer));
        record.put("margin", margins.length == 0 ? 0f : margins[document / 2]);
      } else {
        record.putAll(document(row, document, tokenizer));
        if (scores.length > 0) {
          record.put("score", scores[document]);
        }
      }
      records.add(record);
    }
  }

  private static Map<String, Object> document(DatasetRow row, int document, Tokenizer tokenizer) {
    int[] starts = row.documentStarts();
    int from = starts[document];
    int to = document + 1 < starts.length ? starts[document + 1] : row.tokens().length;
    int[] trained = new int[to - from];
    int count = 0;
    for (int i = from; i < to; i++) {
      if (row.lossMask()[i] == 1) {
        trained[count++] = row.tokens()[i];
      }
    }
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("tokens", to - from);
    facts.put("loss_tokens", count);
    facts.put("text", tokenizer.decode(Arrays.copyOfRange(row.tokens(), from, to), false));
    facts.put("trained_text", tokenizer.decode(Arrays.copyOf(trained, count), false));
    return facts;
  }
}
