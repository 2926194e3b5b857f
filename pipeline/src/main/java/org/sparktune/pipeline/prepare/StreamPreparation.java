package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.sql.Timestamp;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.function.VoidFunction2;
import org.apache.spark.sql.Dataset;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.sql.functions;
import org.apache.spark.sql.streaming.StreamingQuery;
import org.apache.spark.sql.streaming.Trigger;
import org.apache.spark.sql.types.DataTypes;
import org.apache.spark.sql.types.StructType;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.ArrivalOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/**
 * Structured Streaming over arriving files: Spark's file source finds them and remembers which
 * batch they are in, every batch becomes a version by the same stages and the same sink as any
 * other (see {@link VersionAppender}). A batch that is run again after a crash is passed over if
 * the dataset has a version of it.
 */
public final class StreamPreparation {
  /** Where the stream keeps its place, in the dataset's folder. */
  public static final String CHECKPOINT = "_stream";

  private static final Logger LOG = LoggerFactory.getLogger(StreamPreparation.class);

  /** What Spark tells of a file; the content is not asked for, so it is not read. */
  private static final StructType FILE =
      new StructType()
          .add("path", DataTypes.StringType, false)
          .add("modificationTime", DataTypes.TimestampType, false)
          .add("length", DataTypes.LongType, false)
          .add("content", DataTypes.BinaryType, true);

  private static final String QUERY_ID = "sql.streaming.queryId";
  private static final long POLL_MILLIS = 200;

  /**
   * A file that is late is late, not lost: Spark forgets those that are a week older than others.
   */
  private static final String MAX_FILE_AGE = "36500d";

  private final SparkSession spark;
  private final PrepareOptions options;
  private final VersionAppender dataset;
  private final VersionSummary summary;

  private StreamPreparation(SparkSession spark, PrepareOptions options, long pieceBytes) {
    this.spark = spark;
    this.options = options;
    this.dataset = new VersionAppender(spark, options, pieceBytes);
    this.summary = new VersionSummary(dataset.newest());
  }

  /**
   * Runs until all files that are there have been read, or until it is stopped.
   *
   * @param options whose output is the folder of the versions
   * @param arrival when it ends
   * @param stopped whether it is to end now; asked several times a second
   * @throws SparktuneException as {@link IncrementalPreparation#prepare}
   */
  public static VersionSummary run(
      SparkSession spark, PrepareOptions options, ArrivalOptions arrival, BooleanSupplier stopped) {
    return run(spark, options, arrival, stopped, Piece.BYTES);
  }

  static VersionSummary run(
      SparkSession spark,
      PrepareOptions options,
      ArrivalOptions arrival,
      BooleanSupplier stopped,
      long pieceBytes) {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    // A source that is not there is a mistake, and Spark would say so in its own words.
    new SourceFinder(configuration).list(options.dataset().sources(), true);
    return new StreamPreparation(spark, options, pieceBytes).run(arrival, stopped);
  }

  private VersionSummary run(ArrivalOptions arrival, BooleanSupplier stopped) {
    boolean stopping = false;
    try {
      StreamingQuery query =
          files(arrival)
              .writeStream()
              .option("checkpointLocation", new Path(options.output(), CHECKPOINT).toString())
              .trigger(trigger(arrival))
              .foreachBatch((VoidFunction2<Dataset<Row>, Long>) this::append)
              .start();
      while (!query.awaitTermination(POLL_MILLIS)) {
        if (stopped.getAsBoolean()) {
          stopping = true;
          query.stop();
        }
      }
    } catch (Exception e) {
      if (stopping) {
        LOG.info("The batch that was under way was given up: {}", e.getMessage());
        return summary;
      }
      // Scala code throws checked exceptions without saying so.
      if (e instanceof IOException failure) {
        throw WriteFailure.of("The stream's place in " + options.output(), failure);
      }
      throw DocumentJob.cause(e);
    }
    return summary;
  }

  private static Trigger trigger(ArrivalOptions arrival) {
    return switch (arrival.trigger()) {
      case AVAILABLE_NOW -> Trigger.AvailableNow();
      case CONTINUOUS -> Trigger.ProcessingTime(arrival.intervalSeconds(), TimeUnit.SECONDS);
    };
  }

  /** Arriving files: {@code source, path, length, modificationTime}. Nothing is read from them. */
  private Dataset<Row> files(ArrivalOptions arrival) {
    Dataset<Row> all = null;
    List<Source> sources = options.dataset().sources();
    for (int i = 0; i < sources.size(); i++) {
      Dataset<Row> one =
          spark
              .readStream()
              .format("binaryFile")
              .schema(FILE)
              .option("recursiveFileLookup", true)
              .option("ignoreMissingFiles", true)
              .option("maxFileAge", MAX_FILE_AGE)
              .option("maxFilesPerTrigger", arrival.maxFilesPerBatch())
              .load(sources.get(i).path())
              .select(
                  functions.lit(i).as("source"),
                  functions.col("path"),
                  functions.col("length"),
                  functions.col("modificationTime"));
      all = all == null ? one : all.unionAll(one);
    }
    return all;
  }

  /** Makes a version of a batch, unless there is one already. */
  private void append(Dataset<Row> batch, long number) {
    String name = spark.sparkContext().getLocalProperty(QUERY_ID) + ":" + number;
    if (dataset.has(name)) {
      LOG.info("Batch {} has become a version before", name);
      return;
    }
    // Names of files, at most max_files_per_batch of each source.
    List<SourceFinder.Listed> listed = new ArrayList<>();
    for (Row row : batch.collectAsList()) {
      Timestamp modified = row.getTimestamp(3);
      listed.add(
          new SourceFinder.Listed(
              options.dataset().sources().get(row.getInt(0)),
              new FileStatus(
                  row.getLong(2), false, 1, 0, modified.getTime(), new Path(row.getString(1)))));
    }
    // In no order of Spark's: the same files give the same bytes.
    listed.sort(
        Comparator.comparingInt(
                (SourceFinder.Listed file) -> options.dataset().sources().indexOf(file.source()))
            .thenComparing(SourceFinder.Listed::path));
    summary.add(dataset.append(listed, name));
  }
}
