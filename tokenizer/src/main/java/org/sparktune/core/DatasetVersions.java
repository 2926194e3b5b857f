package org.sparktune.core;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Reads dataset folders, with versions ({@code FOLDER/v1}, {@code FOLDER/v2}, …) or without. A
 * version's manifest describes what the version added, and says from which version on others belong
 * to it; here they are put together.
 */
public final class DatasetVersions {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** What is needed of a file system. */
  public interface Storage {
    /** Whether there is a file or folder. */
    boolean exists(String path) throws IOException;

    /** The names in a folder; none if there is no such folder. */
    List<String> names(String folder) throws IOException;

    /** Opens a file. */
    InputStream open(String path) throws IOException;
  }

  private final Storage storage;

  /** Datasets on a file system. */
  public DatasetVersions(Storage storage) {
    this.storage = storage;
  }

  /**
   * The folder that holds the manifest of what a name means: of {@code FOLDER@v3} that version, of
   * {@code FOLDER} the folder itself or its newest version.
   *
   * @return the folder itself too where there is no dataset at all
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when there is no such version
   */
  public String resolve(String written) throws IOException {
    if (isDataset(written)) {
      return written;
    }
    DatasetName name = DatasetName.parse(written);
    if (!name.isPinned()) {
      int newest = newest(written);
      return newest == DatasetName.NEWEST ? written : folder(written, newest);
    }
    String pinned = folder(name.folder(), name.version());
    if (isDataset(pinned)) {
      return pinned;
    }
    List<Integer> versions = list(name.folder());
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        versions.isEmpty()
            ? "The dataset %s has no versions, so there is no v%d."
                .formatted(name.folder(), name.version())
            : "The dataset %s has no version v%d, only v%d to v%d."
                .formatted(
                    name.folder(),
                    name.version(),
                    versions.get(0),
                    versions.get(versions.size() - 1)),
        "'sparktune inspect FOLDER' lists the versions of a dataset.");
  }

  /** The complete versions of a folder, the oldest first; none if it has no versions. */
  public List<Integer> list(String folder) throws IOException {
    List<Integer> versions = new ArrayList<>();
    for (int number : numbers(folder)) {
      if (isDataset(folder(folder, number))) {
        versions.add(number);
      }
    }
    return versions;
  }

  /** The newest complete version of a folder, or {@link DatasetName#NEWEST} if it has none. */
  public int newest(String folder) throws IOException {
    List<Integer> numbers = numbers(folder);
    Collections.reverse(numbers);
    for (int number : numbers) {
      if (isDataset(folder(folder, number))) {
        return number;
      }
    }
    return DatasetName.NEWEST;
  }

  private List<Integer> numbers(String folder) throws IOException {
    List<Integer> numbers = new ArrayList<>();
    for (String name : storage.names(folder)) {
      DatasetName.versionNumber(name).ifPresent(numbers::add);
    }
    Collections.sort(numbers);
    return numbers;
  }

  /** Whether a folder itself has a manifest. */
  public boolean isDataset(String folder) throws IOException {
    return storage.exists(folder + "/" + DatasetManifest.FILE_NAME);
  }

  /** The folder of a version. */
  public static String folder(String dataset, int version) {
    return dataset + "/" + DatasetName.versionFolder(version);
  }

  /** What a folder's manifest says by itself: of a version what it added. */
  public DatasetManifest own(String folder) throws IOException {
    try (InputStream in = storage.open(folder + "/" + DatasetManifest.FILE_NAME)) {
      return JSON.readValue(in, DatasetManifest.class);
    }
  }

  /**
   * What a folder and all that belongs to it hold. Parts of earlier versions have paths such as
   * {@code ../v1/train/part-00000.parquet}.
   *
   * @param folder with a manifest, as {@link #resolve} gives it
   */
  public DatasetManifest whole(String folder) throws IOException {
    DatasetManifest own = own(folder);
    if (own.version() == null || own.version().first() == own.version().number()) {
      return own;
    }
    List<DatasetManifest> earlier = new ArrayList<>();
    for (int number = own.version().first(); number < own.version().number(); number++) {
      earlier.add(own(folder + "/../" + DatasetName.versionFolder(number)));
    }
    return merged(earlier, own);
  }

  /** The folders of all versions that belong to a folder, itself last. */
  public List<String> folders(String folder) throws IOException {
    DatasetManifest own = own(folder);
    List<String> folders = new ArrayList<>();
    if (own.version() != null) {
      for (int number = own.version().first(); number < own.version().number(); number++) {
        folders.add(folder + "/../" + DatasetName.versionFolder(number));
      }
    }
    folders.add(folder);
    return folders;
  }

  private static DatasetManifest merged(List<DatasetManifest> earlier, DatasetManifest newest) {
    Map<String, DatasetManifest.Split> splits = new LinkedHashMap<>();
    Map<String, Long> rejects = new TreeMap<>();
    Map<String, Long> counters = new TreeMap<>();
    List<DatasetManifest.Source> sources = new ArrayList<>();
    List<DatasetManifest.Quarantined> quarantined = new ArrayList<>();
    Fingerprint fingerprint = new Fingerprint();
    long records = 0;
    List<DatasetManifest> all = new ArrayList<>(earlier);
    all.add(newest);
    for (int i = 0; i < all.size(); i++) {
      DatasetManifest one = all.get(i);
      String prefix =
          i < earlier.size()
              ? "../" + DatasetName.versionFolder(newest.version().first() + i) + "/"
              : "";
      one.splits()
          .forEach(
              (name, split) -> splits.merge(name, within(prefix, split), DatasetVersions::sum));
      one.rejects().forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
      one.counters().forEach((name, count) -> counters.merge(name, count, Long::sum));
      sources.addAll(one.sources());
      quarantined.addAll(one.quarantined());
      fingerprint.add(one.specFingerprint());
      records += one.recordsRead();
    }
    return new DatasetManifest(
        newest.schemaVersion(),
        newest.kind(),
        newest.tokenizerFingerprint(),
        newest.templateFingerprint(),
        newest.vocabularySize(),
        newest.sequenceLength(),
        newest.seed(),
        newest.options(),
        splits,
        records,
        rejects,
        sources,
        fingerprint.finish(),
        counters,
        newest.scores(),
        newest.model(),
        quarantined,
        newest.version());
  }

  private static DatasetManifest.Split within(String prefix, DatasetManifest.Split split) {
    List<DatasetManifest.Part> parts = new ArrayList<>();
    for (DatasetManifest.Part part : split.parts()) {
      parts.add(new DatasetManifest.Part(prefix + part.path(), part.rows(), part.bytes()));
    }
    return new DatasetManifest.Split(
        parts, split.documents(), split.rows(), split.tokens(), split.lossTokens());
  }

  private static DatasetManifest.Split sum(DatasetManifest.Split a, DatasetManifest.Split b) {
    List<DatasetManifest.Part> parts = new ArrayList<>(a.parts());
    parts.addAll(b.parts());
    return new DatasetManifest.Split(
        parts,
        a.documents() + b.documents(),
        a.rows() + b.rows(),
        a.tokens() + b.tokens(),
        a.lossTokens() + b.lossTokens());
  }
}
