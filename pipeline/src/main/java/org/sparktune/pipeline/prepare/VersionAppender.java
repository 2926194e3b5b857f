package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.DatasetVersions;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.DatasetTarget;
import org.sparktune.pipeline.dataset.HadoopStorage;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.DeduplicateOptions;

/**
 * Appends versions to a dataset: {@code FOLDER/v1}, {@code FOLDER/v2}, … Each is written beside and
 * renamed into place, so that there is the old newest version or the new one. Which files are new
 * follows from the manifests of the versions that are there, and from nothing else.
 */
final class VersionAppender {
  private static final Logger LOG = LoggerFactory.getLogger(VersionAppender.class);

  private final SparkSession spark;
  private final PrepareOptions options;
  private final long pieceBytes;
  private final Configuration configuration;
  private final LoadedModel model;
  private final Curation curation;
  private final FileLedger ledger = new FileLedger();
  private int first = 1;
  private int newest;

  /**
   * @param options whose output is the dataset's folder
   * @throws SparktuneException {@link ErrorCode#OUTPUT} when the folder holds a dataset without
   *     versions, {@link ErrorCode#MISMATCH} when its versions were prepared in another way
   */
  VersionAppender(SparkSession spark, PrepareOptions options, long pieceBytes) {
    this.spark = spark;
    this.pieceBytes = pieceBytes;
    this.configuration = spark.sparkContext().hadoopConfiguration();
    try {
      DatasetManifest last =
          readVersions(options.output(), new DatasetVersions(new HadoopStorage(configuration)));
      // Templates that write the date write that of the first version.
      this.options =
          last == null ? options : options.at(LocalDateTime.parse(last.version().time()));
      this.model = LoadedModel.load(this.options);
      this.curation = Curation.of(options.dataset(), options.maximumLineBytes(), configuration);
      if (last != null) {
        requireSameOptions(last);
      }
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "The dataset %s cannot be read (%s).".formatted(options.output(), e.getMessage()),
          "Check the path and its permissions.",
          e);
    }
  }

  /** Reads which files there were; gives the newest version, or null. */
  private DatasetManifest readVersions(String output, DatasetVersions versions) throws IOException {
    if (versions.isDataset(output)) {
      throw new SparktuneException(
          ErrorCode.OUTPUT,
          "%s holds a dataset without versions.".formatted(output),
          "Name another output, or prepare with mode: batch.");
    }
    DatasetManifest last = null;
    for (int number : versions.list(output)) {
      last = versions.own(DatasetVersions.folder(output, number));
      ledger.add(last);
      newest = number;
      first = last.version().first();
    }
    return last;
  }

  /** Records prepared in different ways are no one dataset. */
  private void requireSameOptions(DatasetManifest last) {
    Map<String, String> were = facts(last.options());
    were.put("kind", last.kind());
    were.put("tokenizer", last.tokenizerFingerprint());
    were.put("template", last.templateFingerprint());
    were.put("sequence_length", String.valueOf(last.sequenceLength()));
    were.put("seed", String.valueOf(last.seed()));
    Map<String, String> are = facts(PrepareFingerprint.texts(options));
    are.put("tokenizer", model.tokenizer().fingerprint());
    are.put("template", model.templateFingerprint());
    are.put("sequence_length", String.valueOf(options.dataset().sequenceLength()));
    are.put("seed", String.valueOf(options.seed()));
    for (Map.Entry<String, String> was : were.entrySet()) {
      String is = are.remove(was.getKey());
      if (!was.getValue().equals(is)) {
        throw other(was.getKey(), was.getValue(), is);
      }
    }
    for (Map.Entry<String, String> is : are.entrySet()) {
      throw other(is.getKey(), null, is.getValue());
    }
  }

  private static Map<String, String> facts(Map<String, String> options) {
    return new TreeMap<>(options);
  }

  private SparktuneException other(String name, String was, String is) {
    return new SparktuneException(
        ErrorCode.MISMATCH,
        "v%d of %s was prepared with %s %s, now it is %s."
            .formatted(newest, options.output(), name, was, is),
        "Use the same options for all versions, or name another output.");
  }

  private String folder(int number) {
    return DatasetVersions.folder(options.output(), number);
  }

  /** The newest version; 0 if there is none. */
  int newest() {
    return newest;
  }

  /** Whether a batch of a stream has become a version. */
  boolean has(String batch) {
    return ledger.knowsBatch(batch);
  }

  /**
   * Makes a version of the files that are not in the dataset yet.
   *
   * @param listed files that are there
   * @param batch the batch of a stream; null if there is none
   * @return what was done; without a manifest if there was nothing new
   */
  VersionOutcome append(List<SourceFinder.Listed> listed, String batch) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    Broadcast<SerializableConfiguration> shared =
        context.broadcast(new SerializableConfiguration(configuration));
    NewFiles arrived;
    try {
      arrived = NewFiles.of(listed, ledger, context, shared);
    } catch (Exception e) {
      // Scala code throws checked exceptions without saying so.
      throw DocumentJob.cause(e);
    } finally {
      shared.destroy();
    }
    List<SourceFile> files =
        new SourceFinder(configuration, options.dataset().onCorrupt()).inspect(arrived.files());
    List<Piece> pieces = Piece.cut(files, pieceBytes);
    int number = newest + 1;
    if (pieces.isEmpty()) {
      List<DatasetManifest.Quarantined> damaged =
          Quarantine.of(files, pieces, new PieceStatistics());
      if (number == 1 && batch == null) {
        Quarantine.requireAnyWhole(files, damaged);
      }
      LOG.info("{}: nothing new among {} files", options.output(), listed.size());
      return new VersionOutcome(newest, listed.size(), arrived, damaged, null);
    }
    Optional<DatasetManifest> published =
        publish(
            files,
            pieces,
            new Arrival(
                new DatasetManifest.Version(
                    number,
                    first,
                    batch,
                    arrived.duplicates(),
                    arrived.changed(),
                    options.time().toString()),
                arrived.contents(),
                number > 1 || batch != null));
    published.ifPresent(
        manifest -> {
          ledger.add(manifest);
          newest = number;
        });
    return new VersionOutcome(
        newest,
        listed.size(),
        arrived,
        published.map(DatasetManifest::quarantined).orElse(List.of()),
        published.orElse(null));
  }

  private Optional<DatasetManifest> publish(
      List<SourceFile> files, List<Piece> pieces, Arrival arrival) {
    int number = arrival.version().number();
    PrepareOptions forVersion = options.with(datasetOptions(number), folder(number));
    DatasetTarget target = new DatasetTarget(forVersion.output(), configuration);
    String staged = target.stage();
    boolean complete = false;
    try {
      DocumentJob.Result result =
          new DocumentJob(spark, forVersion, pieceBytes).run(pieces, model, curation, staged);
      String fingerprint =
          PrepareFingerprint.of(options, pieceBytes, files, model, curation, configuration);
      Optional<DatasetManifest> manifest =
          new ManifestMaker(options, model, files, pieces, arrival)
              .publish(target, result, fingerprint);
      complete = manifest.isPresent();
      manifest.ifPresent(
          made ->
              LOG.info(
                  "{}: version v{} of {} new files, {} with the bytes of others left out",
                  options.output(),
                  number,
                  made.sources().size(),
                  made.version().duplicates().size()));
      return manifest;
    } finally {
      if (!complete) {
        target.discard();
      }
    }
  }

  /** What a version does that the options of the whole dataset do not say. */
  private DatasetOptions datasetOptions(int number) {
    DatasetOptions dataset = options.dataset();
    DeduplicateOptions deduplicate = dataset.deduplicate();
    if (deduplicate.versions()) {
      List<String> against = new ArrayList<>(deduplicate.against());
      if (number > first) {
        against.add(options.output());
      }
      dataset =
          dataset.withStages(
              dataset
                  .stages()
                  .withCuration(
                      dataset.clean(), deduplicate.withAgainst(against), dataset.decontaminate()));
    }
    if (number > first && dataset.rewards().active() && dataset.rewards().statistics() == null) {
      // The same score must mean the same in all versions.
      dataset =
          dataset.withStages(
              dataset
                  .stages()
                  .withScores(dataset.rewards().withStatistics(folder(first)), dataset.pairs()));
    }
    return dataset;
  }
}
