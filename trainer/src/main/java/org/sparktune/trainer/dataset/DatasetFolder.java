package org.sparktune.trainer.dataset;

import java.io.FileNotFoundException;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetName;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** A prepared dataset on any Hadoop file system, as {@code docs/formats.md} describes it. */
public final class DatasetFolder {
  private final String location;
  private final Configuration configuration;
  private final DatasetManifest manifest;

  private DatasetFolder(String location, Configuration configuration, DatasetManifest manifest) {
    this.location = location;
    this.configuration = configuration;
    this.manifest = manifest;
  }

  /**
   * Reads a dataset's manifest.
   *
   * @param name the folder, a path or URI; {@code FOLDER@v3} is one of its versions, and {@code
   *     FOLDER} the newest where it has versions
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when there is no complete dataset there,
   *     {@link ErrorCode#UNSUPPORTED} when a newer version wrote it
   */
  public static DatasetFolder open(String name, Configuration configuration) {
    DatasetVersions versions = new DatasetVersions(new HadoopStorage(configuration));
    DatasetManifest manifest;
    String location;
    try {
      location = versions.resolve(name);
      manifest = versions.whole(location);
    } catch (FileNotFoundException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s holds no complete dataset: there is no %s."
              .formatted(name, DatasetManifest.FILE_NAME),
          "Give the folder a prepare task wrote; the manifest is written last.",
          e);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s of %s cannot be read (%s)."
              .formatted(DatasetManifest.FILE_NAME, name, e.getMessage()),
          "Prepare the dataset again.",
          e);
    }
    if (manifest.schemaVersion() > DatasetManifest.SCHEMA_VERSION) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "%s of %s has version %d, this sparktune reads up to %d."
              .formatted(
                  DatasetManifest.FILE_NAME,
                  name,
                  manifest.schemaVersion(),
                  DatasetManifest.SCHEMA_VERSION),
          "Use a newer sparktune or prepare the dataset with this one.");
    }
    return new DatasetFolder(location, configuration, manifest);
  }

  /**
   * The versions of a dataset, the oldest first; none where it has no versions.
   *
   * @param folder the dataset's, a path or URI
   */
  public static List<Integer> versions(String folder, Configuration configuration) {
    try {
      return new DatasetVersions(new HadoopStorage(configuration)).list(folder);
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The dataset %s cannot be read (%s).".formatted(folder, e.getMessage()),
          "Check the path and its permissions.",
          e);
    }
  }

  /** Whether a name means a dataset. */
  public static boolean isDataset(String name, Configuration configuration) {
    try {
      DatasetVersions versions = new DatasetVersions(new HadoopStorage(configuration));
      DatasetName parsed = DatasetName.parse(name);
      return versions.isDataset(name) || versions.newest(parsed.folder()) != DatasetName.NEWEST;
    } catch (IOException e) {
      throw new UncheckedIOException("Looking for a dataset in " + name + " failed", e);
    }
  }

  /** The folder with the manifest: of a dataset with versions that of one of them, for good. */
  public String location() {
    return location;
  }

  /** What this folder alone holds: of a version what it added. */
  public DatasetManifest ownManifest() {
    try {
      return new DatasetVersions(new HadoopStorage(configuration)).own(location);
    } catch (IOException e) {
      throw new UncheckedIOException("Reading the manifest of " + location + " again failed", e);
    }
  }

  /** What the preparation wrote about the dataset. */
  public DatasetManifest manifest() {
    return manifest;
  }

  /**
   * Refuses a dataset that another tokenizer made.
   *
   * @param fingerprint the model's {@code Tokenizer.fingerprint()}
   * @throws SparktuneException {@link ErrorCode#MISMATCH} with both fingerprints
   */
  public DatasetFolder requireTokenizer(String fingerprint) {
    if (!fingerprint.equals(manifest.tokenizerFingerprint())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The dataset %s was made with the tokenizer %s, the model has %s."
              .formatted(location, manifest.tokenizerFingerprint(), fingerprint),
          "Prepare the dataset with this model as base_model.");
    }
    return this;
  }

  /**
   * Refuses a dataset of another kind.
   *
   * @param kind {@code sft}, {@code preference}
   * @throws SparktuneException {@link ErrorCode#MISMATCH} with both kinds
   */
  public DatasetFolder requireKind(String kind) {
    if (!manifest.kind().equals(kind)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The dataset %s is of kind %s where kind %s is needed."
              .formatted(location, manifest.kind(), kind),
          "Prepare the data again for this kind of task.");
    }
    return this;
  }

  /**
   * Opens a split that must hold rows.
   *
   * @param split {@code train} or {@code validation}
   * @param vocabularySize ids are below this, or reading fails
   * @throws SparktuneException {@link ErrorCode#BAD_DATA} when it is empty, {@link
   *     ErrorCode#BAD_FILE} when a part is missing or has not the size the manifest names
   */
  public DatasetReader split(String split, int vocabularySize, RowOrder order) {
    return splitIfPresent(split, vocabularySize, order)
        .orElseThrow(
            () ->
                new SparktuneException(
                    ErrorCode.BAD_DATA,
                    "The dataset %s has no rows in its %s split (%d records read, rejects: %s)."
                        .formatted(location, split, manifest.recordsRead(), manifest.rejects()),
                    "Look at its _rejects folder for the reasons."));
  }

  /** Opens a split if it holds rows; else as {@link #split}. */
  public Optional<DatasetReader> splitIfPresent(String split, int vocabularySize, RowOrder order) {
    DatasetManifest.Split found = manifest.splits().get(split);
    if (found == null || found.rows() == 0) {
      return Optional.empty();
    }
    long rows = 0;
    for (DatasetManifest.Part part : found.parts()) {
      requirePart(part);
      rows += part.rows();
    }
    if (rows != found.rows()) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The manifest of %s counts %d rows in its %s split and %d in the split's parts."
              .formatted(location, found.rows(), split, rows),
          "Prepare the dataset again.");
    }
    return Optional.of(
        new DatasetReader(
            location, configuration, found, manifest.specFingerprint(), vocabularySize, order));
  }

  private void requirePart(DatasetManifest.Part part) {
    Path path = new Path(location, part.path());
    String problem;
    try {
      FileSystem fileSystem = path.getFileSystem(configuration);
      FileStatus status = fileSystem.getFileStatus(path);
      if (status.getLen() == part.bytes()) {
        return;
      }
      problem = "has %d bytes where the manifest says %d".formatted(status.getLen(), part.bytes());
    } catch (FileNotFoundException e) {
      problem = "is missing";
    } catch (IOException e) {
      problem = "cannot be read (%s)".formatted(e.getMessage());
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        "%s of the dataset %s %s.".formatted(part.path(), location, problem),
        "Prepare the dataset again, or copy it again completely.");
  }
}
