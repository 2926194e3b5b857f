package org.sparktune.pipeline.prepare;

import java.util.List;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.DatasetTarget;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;

/**
 * All raw files to one dataset folder, at once. Pieces and parts depend on the input alone, so the
 * same input and seed give the same bytes on any cluster.
 */
public final class PreparePipeline {
  /** The split that is trained on. */
  public static final String TRAIN = "train";

  /** The split that is held out. */
  public static final String VALIDATION = "validation";

  private static final Logger LOG = LoggerFactory.getLogger(PreparePipeline.class);

  private final SparkSession spark;
  private final PrepareOptions options;
  private final long pieceBytes;

  private PreparePipeline(SparkSession spark, PrepareOptions options, long pieceBytes) {
    this.spark = spark;
    this.options = options;
    this.pieceBytes = pieceBytes;
  }

  /**
   * Prepares a dataset, unless exactly this one is there already.
   *
   * @return the manifest of the dataset
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} for sources that cannot be read, {@link
   *     ErrorCode#BAD_DATA} when too many records are rejected or none is left, {@link
   *     ErrorCode#OUTPUT} when the output folder holds something else; nothing is left behind then
   */
  public static DatasetManifest prepare(SparkSession spark, PrepareOptions options) {
    return prepare(spark, options, Piece.BYTES);
  }

  static DatasetManifest prepare(SparkSession spark, PrepareOptions options, long pieceBytes) {
    return new PreparePipeline(spark, options, pieceBytes).run();
  }

  private DatasetManifest run() {
    Configuration configuration = spark.sparkContext().hadoopConfiguration();
    LoadedModel model = LoadedModel.load(options);
    List<SourceFile> files =
        new SourceFinder(configuration, options.dataset().onCorrupt())
            .find(options.dataset().sources());
    List<Piece> pieces = Piece.cut(files, pieceBytes);
    if (pieces.isEmpty()) {
      Quarantine.requireAnyWhole(files, Quarantine.of(files, pieces, new PieceStatistics()));
      throw ManifestMaker.noData("All source files are empty");
    }
    Curation curation = Curation.of(options.dataset(), options.maximumLineBytes(), configuration);
    String fingerprint =
        PrepareFingerprint.of(options, pieceBytes, files, model, curation, configuration);
    DatasetTarget target = new DatasetTarget(options.output(), configuration);
    Optional<DatasetManifest> existing = target.existing(fingerprint);
    if (existing.isPresent()) {
      LOG.info("{} is prepared already", options.output());
      return existing.get();
    }
    String folder = target.stage();
    boolean complete = false;
    try {
      DocumentJob.Result result =
          new DocumentJob(spark, options, pieceBytes).run(pieces, model, curation, folder);
      DatasetManifest manifest =
          new ManifestMaker(options, model, files, pieces, Arrival.WHOLE)
              .publish(target, result, fingerprint)
              .orElseThrow();
      complete = true;
      return manifest;
    } finally {
      if (!complete) {
        target.discard();
      }
    }
  }
}
