package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.dataset.DatasetTarget;
import org.sparktune.pipeline.dataset.PartResult;
import org.sparktune.pipeline.report.DatasetReport;
import org.sparktune.pipeline.report.DocumentDigest;
import org.sparktune.pipeline.reward.RewardStatistics;
import org.sparktune.pipeline.reward.ScoreStatistics;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFile;

/** Judges what was written, and writes what describes it: rejects, origins, the manifest. */
final class ManifestMaker {
  private static final Logger LOG = LoggerFactory.getLogger(ManifestMaker.class);

  /** Groups of scores that a manifest shows. */
  private static final int SHOWN_GROUPS = 100;

  private final PrepareOptions options;
  private final LoadedModel model;
  private final List<SourceFile> files;
  private final List<Piece> pieces;
  private final Arrival arrival;

  /**
   * @param files what was read
   * @param pieces the same in pieces
   * @param arrival what is known of the files of a version
   */
  ManifestMaker(
      PrepareOptions options,
      LoadedModel model,
      List<SourceFile> files,
      List<Piece> pieces,
      Arrival arrival) {
    this.options = options;
    this.model = model;
    this.files = files;
    this.pieces = pieces;
    this.arrival = arrival;
  }

  /**
   * Writes all but the parts, and gives the folder its name.
   *
   * @return the manifest; nothing where there is nothing to publish, and that is in order
   * @throws SparktuneException {@link ErrorCode#BAD_DATA} or {@link ErrorCode#BAD_FILE} when what
   *     was read will not do
   */
  Optional<DatasetManifest> publish(
      DatasetTarget target, DocumentJob.Result result, String fingerprint) {
    PieceStatistics statistics = null;
    List<PartResult> parts = new ArrayList<>();
    Counters counters = new Counters();
    DocumentDigest digest = new DocumentDigest();
    result.pairCounts().forEach(counters::add);
    for (PartTask.Outcome outcome : result.outcomes()) {
      counters.merge(outcome.counters());
      digest.merge(outcome.digest());
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
    List<DatasetManifest.Quarantined> quarantined = Quarantine.of(files, pieces, statistics);
    if (!check(statistics, rejects, parts, counters, quarantined)) {
      return Optional.empty();
    }
    target.write("_rejects/part-00000.jsonl", rejects.lines());
    target.write(PieceOrigins.FILE_NAME, origins.lines());
    if (result.rewards() != null) {
      target.write(RewardStatistics.FILE_NAME, result.rewards().toJson());
    }
    Map<String, DatasetManifest.Split> splits = new LinkedHashMap<>();
    splits.put(PreparePipeline.TRAIN, split(PreparePipeline.TRAIN, parts));
    splits.put(PreparePipeline.VALIDATION, split(PreparePipeline.VALIDATION, parts));
    DatasetManifest manifest =
        new DatasetManifest(
            DatasetManifest.SCHEMA_VERSION,
            options.dataset().kind().word(),
            model.tokenizer().fingerprint(),
            model.templateFingerprint(),
            model.tokenizer().vocabularySize(),
            options.dataset().sequenceLength(),
            options.seed(),
            PrepareFingerprint.texts(options),
            splits,
            statistics.records(),
            rejects.counts(),
            sources(),
            fingerprint,
            counters.counts(),
            scores(result.rewards()),
            options.model(),
            quarantined,
            arrival.version());
    target.write(
        DatasetReport.FILE_NAME,
        DatasetReport.of(manifest, digest, ids -> model.tokenizer().decode(ids, false)));
    target.complete(manifest);
    report(manifest, statistics);
    return Optional.of(manifest);
  }

  private List<DatasetManifest.Source> sources() {
    List<DatasetManifest.Source> sources = new ArrayList<>();
    for (SourceFile file : files) {
      sources.add(
          new DatasetManifest.Source(
              file.path(),
              file.bytes(),
              file.modified(),
              file.format().label(),
              file.schema().name().toLowerCase(Locale.ROOT),
              arrival.contents().get(file.path())));
    }
    return sources;
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

  /** Whether there is something to publish. */
  private boolean check(
      PieceStatistics statistics,
      RejectReport rejects,
      List<PartResult> parts,
      Counters counters,
      List<DatasetManifest.Quarantined> quarantined) {
    if (!arrival.mayBeEmpty()) {
      Quarantine.requireAnyWhole(files, quarantined);
    }
    long read = statistics.records();
    if (read == 0 && !arrival.mayBeEmpty()) {
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
      any |= part.split().equals(PreparePipeline.TRAIN);
    }
    if (any || (read > 0 && arrival.continues())) {
      return true;
    }
    if (!arrival.mayBeEmpty()) {
      throw noData(
          "No record is left to train on: of %d read, %d were rejected %s, and counted were %s"
              .formatted(read, statistics.rejected(), rejects.counts(), counters.counts()));
    }
    LOG.warn("Nothing could be used of {} files: rejected {}", files.size(), rejects.counts());
    return false;
  }

  static SparktuneException noData(String what) {
    return new SparktuneException(
        ErrorCode.BAD_DATA,
        what + ".",
        "Check the sources, sequence_length (of a pair, both sides count), validation_fraction and"
            + " on_long.");
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
    DatasetManifest.Split train = manifest.splits().get(PreparePipeline.TRAIN);
    double fill =
        100.0 * train.tokens() / Math.max(1, train.rows() * (double) manifest.sequenceLength());
    LOG.info(
        "{} records, {} rejected; train: {} documents in {} rows, {} tokens ({} with loss), rows {}% full; validation: {} documents",
        statistics.records(),
        statistics.rejected(),
        train.documents(),
        train.rows(),
        train.tokens(),
        train.lossTokens(),
        String.format("%.1f", fill),
        manifest.splits().get(PreparePipeline.VALIDATION).documents());
    if (!manifest.counters().isEmpty()) {
      LOG.info("Rejected by reason: {}; counted: {}", manifest.rejects(), manifest.counters());
    }
  }
}
