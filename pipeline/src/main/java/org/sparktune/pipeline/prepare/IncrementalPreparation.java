package org.sparktune.pipeline.prepare;

import java.util.List;
import org.apache.spark.sql.SparkSession;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFinder;

/**
 * Appends a version of the files that a dataset does not have yet. The records of all versions
 * together are those that one preparation of all files would give, in the same splits: a record's
 * split follows from what it says.
 */
public final class IncrementalPreparation {
  private IncrementalPreparation() {}

  /**
   * Takes in what is new; if there is nothing new, changes nothing.
   *
   * @param options whose output is the folder of the versions
   * @throws SparktuneException as {@link PreparePipeline#prepare} does, and {@link
   *     ErrorCode#MISMATCH} when the versions were prepared in another way
   */
  public static VersionSummary prepare(SparkSession spark, PrepareOptions options) {
    return prepare(spark, options, Piece.BYTES);
  }

  static VersionSummary prepare(SparkSession spark, PrepareOptions options, long pieceBytes) {
    VersionAppender dataset = new VersionAppender(spark, options, pieceBytes);
    List<SourceFinder.Listed> listed =
        new SourceFinder(spark.sparkContext().hadoopConfiguration())
            .list(options.dataset().sources(), true);
    VersionSummary summary = new VersionSummary(dataset.newest());
    summary.add(dataset.append(listed, null));
    return summary;
  }
}
