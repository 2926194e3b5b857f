package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.SparkExecutorInfo;
import org.apache.spark.TaskContext;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.broadcast.Broadcast;
import org.apache.spark.sql.SparkSession;
import org.apache.spark.util.SerializableConfiguration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.SparktuneException;
import org.sparktune.core.WriteFailure;
import org.sparktune.pipeline.dataset.DatasetTarget;
import org.sparktune.pipeline.dataset.PartResult;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.reward.ScoreStatistics;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFile;
import org.sparktune.pipeline.source.SourceFinder;
import org.sparktune.pipeline.spec.CleanOptions;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.RewardOptions;

/**
 * Raw files to a dataset folder, in one Spark job of two stages; where duplicates are to be left
 * out, scores normalized or pairs made, passes over what is needed for that come before (see {@link
 * DocumentPasses}). The first stage reads pieces of input and makes documents (see {@link
 * PieceTask}); the shuffle puts them in their parts and order; the second packs and writes parts
 * (see {@link PartTask}). No data passes through the driver. Pieces and parts depend on the input
 * alone, so the same input and seed give the same bytes on any cluster.
 */
public final class PreparePipeline {
  /** The split that is trained on. */
  public static final String TRAIN = "train";

  /** The split that is held out. */
  public static final String VALIDATION = "validation";

  private static final Logger LOG = LoggerFactory.getLogger(PreparePipeline.class);

  /** Groups of scores that a manifest shows. */
  private static final int SHOWN_GROUPS = 100;

  private static final long TASKS_END_NANOS = TimeUnit.SECONDS.toNanos(20);

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
    List<SourceFile> files = new SourceFinder(configuration).find(options.dataset().sources());
    List<Piece> pieces = Piece.cut(files, pieceBytes);
    if (pieces.isEmpty()) {
      throw noData("All source files are empty");
    }
    Curation curation = Curation.of(options.dataset(), options.maximumLineBytes(), configuration);
    String fingerprint = fingerprint(files, model, curation);
    DatasetTarget target = new DatasetTarget(options.output(), configuration);
    Optional<DatasetManifest> existing = target.existing(fingerprint);
    if (existing.isPresent()) {
      LOG.info("{} is prepared already", options.output());
      return existing.get();
    }
    String folder = target.stage();
    boolean complete = false;
    try {
      JobResult result = runJob(pieces, model, curation, folder);
      DatasetManifest manifest = finish(target, files, pieces, model, fingerprint, result);
      complete = true;
      return manifest;
    } finally {
      if (!complete) {
        target.discard();
      }
    }
  }

  /**
   * What the Spark jobs give back.
   *
   * @param outcomes of every part
   * @param rewards what scores were normalized by, or null
   * @param pairCounts what was counted while pairs were made
   */
  private record JobResult(
      List<PartTask.Outcome> outcomes, RewardStatistics rewards, Map<String, Long> pairCounts) {}

  private JobResult runJob(
      List<Piece> pieces, LoadedModel model, Curation curation, String folder) {
    JavaSparkContext context = JavaSparkContext.fromSparkContext(spark.sparkContext());
    PartLayout layout = PartLayout.of(pieces, options, pieceBytes);
    LOG.info(
        "Preparing {} pieces of input into {} parts",
        pieces.size(),
        layout.trainParts() + layout.validationParts());
    Broadcast<SerializableConfiguration> configuration =
        context.broadcast(new SerializableConfiguration(context.hadoopConfiguration()));
    Broadcast<Curation> stages = context.broadcast(curation);
    PrepareOptions taskOptions = options;
    try (DocumentPasses passes =
        new DocumentPasses(
            spark, options, pieces, layout, model.fingerprint(), stages, configuration)) {
      List<PartTask.Outcome> outcomes =
          passes
              .documents()
              .repartitionAndSortWithinPartitions(
                  new PartPartitioner(layout.partitions()), new DocumentKey.Order())
              .mapPartitionsWithIndex(
                  (partition, records) ->
                      List.of(
                              new PartTask(
                                      taskOptions, layout, folder, configuration.value().value())
                                  .run(partition, TaskContext.get().taskAttemptId(), records))
                          .iterator(),
                  true)
              .collect();
      if (options.dataset().deduplicate().fingerprints()) {
        passes.writeFingerprints(folder, layout.trainParts());
      }
      return new JobResult(outcomes, passes.statistics(), passes.pairCounts());
    } catch (Exception e) {
      // Scala code throws checked exceptions without saying so.
      awaitOtherTasks(context);
      throw cause(e);
    } finally {
      stages.destroy();
      configuration.destroy();
    }
  }

  /**
   * A failed job's other tasks end a little later; until then they write to the folder that is to
   * be removed.
   */
  private static void awaitOtherTasks(JavaSparkContext context) {
    long end = System.nanoTime() + TASKS_END_NANOS;
    while (runningTasks(context) > 0 && System.nanoTime() < end) {
      try {
        TimeUnit.MILLISECONDS.sleep(20);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return;
      }
    }
  }

  private static int runningTasks(JavaSparkContext context) {
    int running = 0;
    for (SparkExecutorInfo executor : context.sc().statusTracker().getExecutorInfos()) {
      running += executor.numRunningTasks();
    }
    return running;
  }

  /** Spark wraps what a task threw. */
  private static RuntimeException cause(Exception failure) {
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (t instanceof SparktuneException known) {
        return known;
      }
    }
    // Only now: Spark's own message quotes what a task said.
    for (Throwable t = failure; t != null; t = t.getCause()) {
      if (WriteFailure.isFull(t)) {
        return new SparktuneException(
            ErrorCode.RESOURCES,
            "The disk of Spark's temporary files is full (%s)."
                .formatted(System.getProperty("java.io.tmpdir")),
            "Free some space, or name a larger folder with --conf spark.local.dir=FOLDER.",
            failure);
      }
    }
    String reason = String.valueOf(failure.getMessage()).lines().findFirst().orElse("");
    return new SparktuneException(
        ErrorCode.INTERNAL,
        "The preparation's Spark job failed: " + reason + ".",
        "The log of the failed task says more.",
        failure);
  }

  private DatasetManifest finish(
      DatasetTarget target,
      List<SourceFile> files,
      List<Piece> pieces,
      LoadedModel model,
      String fingerprint,
      JobResult result) {
    PieceStatistics statistics = null;
    List<PartResult> parts = new ArrayList<>();
    Counters counters = new Counters();
    result.pairCounts().forEach(counters::add);
    for (PartTask.Outcome outcome : result.outcomes()) {
      counters.merge(outcome.counters());
      if (outcome.statistics() != null) {
        statistics = outcome.statistics();
      }
      if (outcome.part() != null) {
        parts.add(outcome.part());
      }
    }
    parts.sort(Comparator.comparing(PartResult::path));
    counters.merge(statistics.counters());
    PieceOrigins origins = new PieceOrigins(pieces, statistics);
    RejectReport rejects = new RejectReport(origins, statistics);
    check(statistics, rejects, parts);
    target.write("_rejects/part-00000.jsonl", rejects.lines());
    target.write(PieceOrigins.FILE_NAME, origins.lines());
    if (result.rewards() != null) {
      target.write(RewardStatistics.FILE_NAME, result.rewards().toJson());
    }
    Map<String, DatasetManifest.Split> splits = new LinkedHashMap<>();
    splits.put(TRAIN, split(TRAIN, parts));
    splits.put(VALIDATION, split(VALIDATION, parts));
    List<DatasetManifest.Source> sources = new ArrayList<>();
    for (SourceFile file : files) {
      sources.add(
          new DatasetManifest.Source(
              file.path(),
              file.bytes(),
              file.modified(),
              file.format().label(),
              file.schema().name().toLowerCase(Locale.ROOT)));
    }
    DatasetManifest manifest =
        new DatasetManifest(
            DatasetManifest.SCHEMA_VERSION,
            options.dataset().kind().word(),
            model.tokenizer().fingerprint(),
            model.templateFingerprint(),
            model.tokenizer().vocabularySize(),
            options.dataset().sequenceLength(),
            options.seed(),
            optionTexts(),
            splits,
            statistics.records(),
            rejects.counts(),
            sources,
            fingerprint,
            counters.counts(),
            scores(result.rewards()),
            options.model());
    target.complete(manifest);
    report(manifest, statistics);
    return manifest;
  }

  /** The figures of score statistics, without their quantiles. */
  private static Map<String, DatasetManifest.Scores> scores(RewardStatistics rewards) {
    Map<String, DatasetManifest.Scores> scores = new LinkedHashMap<>();
    if (rewards != null) {
      scores.put(DatasetManifest.ALL_SCORES, scores(rewards.all()));
      for (Map.Entry<String, ScoreStatistics> group : rewards.groups().entrySet()) {
        // The file has the rest: nobody reads a manifest of ten thousand groups.
        if (scores.size() <= SHOWN_GROUPS) {
          scores.put(group.getKey(), scores(group.getValue()));
        }
      }
    }
    return scores;
  }

  private static DatasetManifest.Scores scores(ScoreStatistics group) {
    return new DatasetManifest.Scores(
        group.count(),
        group.mean(),
        group.standardDeviation(),
        group.min(),
        group.max(),
        group.median(),
        group.medianDeviation());
  }

  private void check(PieceStatistics statistics, RejectReport rejects, List<PartResult> parts) {
    long read = statistics.records();
    long rejected = statistics.rejected();
    if (read == 0) {
      throw noData("The sources hold no records");
    }
    // What was filtered out as asked for is no sign of bad input.
    if (statistics.bad() > options.dataset().maxRejectRatio() * read) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "%d of %d records were rejected, more than max_reject_ratio %s allows: %s; for instance%s"
              .formatted(
                  statistics.bad(),
                  read,
                  options.dataset().maxRejectRatio(),
                  rejects.badCounts(),
                  rejects.badExamples(3)),
          "\nCorrect the records, or raise max_reject_ratio.");
    }
    boolean any = false;
    for (PartResult part : parts) {
      any |= part.split().equals(TRAIN);
    }
    if (!any) {
      throw noData(
          "No record is left to train on: of %d read, %d were rejected %s"
              .formatted(read, rejected, rejects.counts()));
    }
  }

  private static SparktuneException noData(String what) {
    return new SparktuneException(
        ErrorCode.BAD_DATA, what + ".", "Check the sources, validation_fraction and on_long.");
  }

  private static DatasetManifest.Split split(String name, List<PartResult> all) {
    List<DatasetManifest.Part> parts = new ArrayList<>();
    long documents = 0;
    long rows = 0;
    long tokens = 0;
    long lossTokens = 0;
    for (PartResult part : all) {
      if (part.split().equals(name)) {
        parts.add(new DatasetManifest.Part(part.path(), part.rows(), part.bytes()));
        documents += part.documents();
        rows += part.rows();
        tokens += part.tokens();
        lossTokens += part.lossTokens();
      }
    }
    return new DatasetManifest.Split(parts, documents, rows, tokens, lossTokens);
  }

  private void report(DatasetManifest manifest, PieceStatistics statistics) {
    DatasetManifest.Split train = manifest.splits().get(TRAIN);
    double fill = 100.0 * train.tokens() / (train.rows() * (double) manifest.sequenceLength());
    LOG.info(
        "{} records, {} rejected; train: {} documents in {} rows, {} tokens ({} with loss), rows {}% full; validation: {} documents",
        statistics.records(),
        statistics.rejected(),
        train.documents(),
        train.rows(),
        train.tokens(),
        train.lossTokens(),
        String.format("%.1f", fill),
        manifest.splits().get(VALIDATION).documents());
    if (!manifest.counters().isEmpty()) {
      LOG.info("Rejected by reason: {}; counted: {}", manifest.rejects(), manifest.counters());
    }
  }

  /** Every option that can change a byte of the output. */
  private Map<String, String> optionTexts() {
    DatasetOptions dataset = options.dataset();
    Map<String, String> texts = new TreeMap<>();
    texts.put("kind", dataset.kind().word());
    texts.put("packing", String.valueOf(dataset.packing()));
    texts.put("shuffle", String.valueOf(dataset.shuffle()));
    texts.put("validation_fraction", String.valueOf(dataset.validationFraction()));
    texts.put("train_on", dataset.trainOn().name().toLowerCase(Locale.ROOT));
    texts.put("on_long", dataset.onLong().name().toLowerCase(Locale.ROOT));
    texts.put("append_eos", String.valueOf(dataset.appendEos()));
    texts.put("min_tokens", String.valueOf(options.minimumTokens()));
    texts.put("max_line_bytes", String.valueOf(options.maximumLineBytes()));
    // Only where they are used: what was prepared without them stays as it is.
    if (!dataset.clean().equals(CleanOptions.NONE)) {
      texts.put("clean", dataset.clean().toString());
    }
    if (dataset.deduplicate().active()) {
      texts.put("deduplicate", dataset.deduplicate().toString());
    }
    if (dataset.decontaminate().active()) {
      texts.put("decontaminate", dataset.decontaminate().toString());
    }
    if (dataset.rewards().active()) {
      texts.put("rewards", dataset.rewards().toString());
    }
    if (dataset.pairs().active()) {
      texts.put("pairs", dataset.pairs().toString());
    }
    if (dataset.mix().active()) {
      texts.put("mix", dataset.mix().toString());
    }
    return texts;
  }

  private String fingerprint(List<SourceFile> files, LoadedModel model, Curation curation) {
    Fingerprint fingerprint =
        new Fingerprint()
            .add(DatasetManifest.SCHEMA_VERSION)
            .add(model.fingerprint())
            .add(options.dataset().sequenceLength())
            .add(options.seed())
            .add(pieceBytes);
    optionTexts().forEach((name, value) -> fingerprint.add(name).add(value));
    for (SourceFile file : files) {
      fingerprint.add(file.path()).add(file.bytes()).add(file.modified());
      fingerprint.add(file.schema().name());
      new TreeMap<>(file.columns()).forEach((name, value) -> fingerprint.add(name).add(value));
    }
    RewardOptions rewards = options.dataset().rewards();
    if (rewards.active()
        || options.dataset().pairs().active()
        || options.dataset().mix().active()) {
      files.forEach(file -> fingerprint.add(file.source()));
    }
    if (rewards.statistics() != null) {
      Configuration configuration = spark.sparkContext().hadoopConfiguration();
      fingerprint.add(RewardStatistics.read(rewards.statistics(), configuration).toJson());
    }
    curation.addTo(fingerprint, spark.sparkContext().hadoopConfiguration());
    return fingerprint.finish();
  }
}
