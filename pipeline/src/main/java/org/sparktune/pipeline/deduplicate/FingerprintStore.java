package org.sparktune.pipeline.deduplicate;

import static org.apache.spark.sql.functions.col;
import static org.apache.spark.sql.functions.udf;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SaveMode;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.api.java.UDF1;
import org.apache.spark.sql.types.DataTypes;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/**
 * The fingerprints beside a dataset, {@code _fingerprints/exact} or {@code
 * _fingerprints/minhash-128-5} (permutations, words of a run): Parquet with {@code high, low,
 * signature} of every record that was no duplicate.
 */
public final class FingerprintStore {
  /** The folder inside a dataset's. */
  public static final String FOLDER = "_fingerprints";

  private static final String EXACT = "exact";
  private static final String FUZZY = "minhash-%d-%d";

  private final SparkSession spark;
  private final DeduplicateOptions options;

  /**
   * @param options say what is compared, and with which earlier datasets
   */
  public FingerprintStore(SparkSession spark, DeduplicateOptions options) {
    this.spark = spark;
    this.options = options;
  }

  /**
   * Writes what a later dataset is held against.
   *
   * @param folder the dataset's
   * @param parts how many files
   */
  public void write(Deduplication deduplication, String folder, int parts) {
    deduplication
        .kept()
        .repartition(parts, col("low"))
        .sortWithinPartitions("id")
        .select("high", "low", "signature")
        .write()
        .mode(SaveMode.Overwrite)
        .option("compression", "zstd")
        .parquet(new Path(folder, FOLDER + "/" + name()).toString());
  }

  private String name() {
    return options.fuzzy() ? FUZZY.formatted(options.permutations(), options.ngram()) : EXACT;
  }

  /**
   * The fingerprints of the earlier datasets.
   *
   * @return rows of {@link Deduplication#SCHEMA}; null if there is no earlier dataset
   * @throws SparktuneException {@link ErrorCode#MISMATCH} when a dataset has none that can be
   *     compared
   */
  public Dataset<Row> readKnown() {
    List<String> stores = new ArrayList<>();
    for (String folder : options.against()) {
      for (String one : withEarlierVersions(folder)) {
        stores.add(find(one));
      }
    }
    // One scan of all: they have the same columns, and there may be hundreds of versions.
    Dataset<Row> all =
        stores.isEmpty() ? null : spark.read().parquet(stores.toArray(new String[0]));
    return all == null
        ? null
        : all.select(
            udf((UDF1<Long, Long>) RecordId::known, DataTypes.LongType).apply(col("low")).as("id"),
            col("high"),
            col("low"),
            col("signature"));
  }

  /** The folders of a dataset: of one with versions all that belong to the one that is meant. */
  private List<String> withEarlierVersions(String name) {
    DatasetVersions versions =
        new DatasetVersions(new HadoopStorage(spark.sparkContext().hadoopConfiguration()));
    try {
      String folder = versions.resolve(name);
      return versions.isDataset(folder) ? versions.folders(folder) : List.of(name);
    } catch (IOException e) {
      throw unreadable(name, e);
    }
  }

  private static SparktuneException unreadable(String folder, IOException e) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The earlier dataset " + folder + " cannot be read: " + e.getMessage() + ".",
        "Check the path and its permissions.",
        e);
  }

  private String find(String folder) {
    Path store = new Path(folder, FOLDER);
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    try {
      FileSystem fileSystem = store.getFileSystem(configuration);
      Path exactly = new Path(store, name());
      if (fileSystem.exists(exactly)) {
        return exactly.toString();
      }
      // Every kind has the hashes; only signatures must be of the same kind.
      if (!options.fuzzy() && fileSystem.exists(store)) {
        for (FileStatus status : fileSystem.listStatus(store)) {
          return status.getPath().toString();
        }
      }
    } catch (IOException e) {
      throw unreadable(folder, e);
    }
    throw new SparktuneException(
        ErrorCode.MISMATCH,
        "The earlier dataset " + folder + " has no fingerprints '" + name() + "' to compare with.",
        "Prepare it with deduplicate: {fingerprints: true} and the same fuzzy options.");
  }
}
