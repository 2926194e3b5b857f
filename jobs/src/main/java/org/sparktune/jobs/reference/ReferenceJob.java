package org.sparktune.jobs.reference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.FileUtil;
import org.apache.hadoop.fs.Path;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.Fingerprint;
import org.sparktune.core.WriteFailure;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.jobs.training.OpenModel;
import org.sparktune.jobs.training.StoredReference;
import org.sparktune.pipeline.dataset.DatasetTarget;
import org.sparktune.pipeline.spec.Quantization;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.engine.choice.Engines;

/** Gives a dataset the log-probabilities of a reference, from the driver's side. */
public final class ReferenceJob {
  private static final Logger LOG = LoggerFactory.getLogger(ReferenceJob.class);
  private static final String SOURCES = "_sources.jsonl";

  private final SparkSession session;
  private final Inputs inputs;
  private final Configuration configuration;
  private final DatasetFolder dataset;
  private final DatasetTarget target;

  /**
   * Where everything is.
   *
   * @param model the base model, a path or URI
   * @param dataset folder or URI
   * @param output the folder of the new dataset
   * @param precision of the pass
   * @param quantization how the model's layers are held
   * @param hadoop settings of the file systems that differ from their defaults
   */
  public record Inputs(
      String model,
      String dataset,
      String output,
      Engines.PrecisionChoice precision,
      Quantization quantization,
      Map<String, String> hadoop) {}

  private ReferenceJob(SparkSession session, Inputs inputs) {
    this.session = session;
    this.inputs = inputs;
    this.configuration = session.sparkContext().hadoopConfiguration();
    this.dataset = DatasetFolder.open(inputs.dataset(), configuration);
    this.target = new DatasetTarget(inputs.output(), configuration);
  }

  /**
   * Writes the dataset with the references; does nothing where that was done before.
   *
   * @param executors that score at once, each with a model in memory
   * @return the folder of the new dataset
   * @throws org.sparktune.core.SparktuneException {@code MISMATCH} for another tokenizer's dataset,
   *     {@code DIVERGED} for log-probabilities that are not finite, {@code OUTPUT} or {@code
   *     RESOURCES} when it cannot be written
   */
  public static String run(SparkSession session, Inputs inputs, int executors) {
    ReferenceJob job = new ReferenceJob(session, inputs);
    String weights;
    try (OpenModel model =
        OpenModel.open(ModelLocations.model(inputs.model(), job.configuration))) {
      job.dataset.requireTokenizer(model.tokenizer().fingerprint());
      weights = StoredReference.fingerprint(model, inputs.quantization());
    }
    if (weights.equals(StoredReference.of(job.dataset.manifest()).orElse(null))) {
      return job.dataset.location();
    }
    // In one process, tasks would share its cores, each with a model in memory.
    job.write(weights, session.sparkContext().isLocal() ? 1 : executors);
    return inputs.output();
  }

  private void write(String weights, int tasks) {
    DatasetManifest old = dataset.manifest();
    Fingerprint made = new Fingerprint().add(old.specFingerprint()).add(weights);
    made.add(inputs.precision().name());
    List<ScoredPart> parts = parts(old);
    for (ScoredPart part : parts) {
      made.add(part.path()).add(part.rows());
    }
    String fingerprint = made.finish();
    Optional<DatasetManifest> existing = target.existing(fingerprint);
    if (existing.isPresent()) {
      return;
    }
    long start = System.nanoTime();
    String staging = target.stage();
    try {
      ReferencePass pass =
          new ReferencePass(
              inputs.model(),
              dataset.location(),
              staging,
              inputs.precision(),
              inputs.quantization(),
              inputs.hadoop());
      List<ScoredPart> written =
          new ArrayList<>(
              JavaSparkContext.fromSparkContext(session.sparkContext())
                  .parallelize(parts, Math.max(1, Math.min(tasks, parts.size())))
                  .mapPartitions(pass)
                  .collect());
      written.sort(Comparator.comparing(ScoredPart::split).thenComparing(ScoredPart::place));
      copySources(staging);
      target.complete(manifest(old, written, weights, fingerprint));
    } catch (RuntimeException | Error e) {
      target.discard();
      throw e;
    }
    LOG.info(
        "reference log-probabilities of {} parts in {} s",
        parts.size(),
        "%.1f".formatted((System.nanoTime() - start) * 1e-9));
  }

  private static List<ScoredPart> parts(DatasetManifest manifest) {
    List<ScoredPart> parts = new ArrayList<>();
    new TreeMap<>(manifest.splits())
        .forEach(
            (name, split) -> {
              long rows = 0;
              int place = 0;
              for (DatasetManifest.Part part : split.parts()) {
                if (part.rows() > 0) {
                  parts.add(
                      new ScoredPart(name, place++, rows, part.path(), part.rows(), part.bytes()));
                }
                rows += part.rows();
              }
            });
    return parts;
  }

  /** The names of the files that rows come from. */
  private void copySources(String staging) {
    Path from = new Path(dataset.location(), SOURCES);
    Path to = new Path(staging, SOURCES);
    try {
      FileSystem source = from.getFileSystem(configuration);
      if (source.exists(from)
          && !FileUtil.copy(
              source, from, to.getFileSystem(configuration), to, false, configuration)) {
        throw new IOException("copying " + from + " failed");
      }
    } catch (IOException e) {
      throw WriteFailure.of("The output folder " + inputs.output(), e);
    }
  }

  private static DatasetManifest manifest(
      DatasetManifest old, List<ScoredPart> written, String weights, String fingerprint) {
    Map<String, DatasetManifest.Split> splits = new TreeMap<>();
    old.splits()
        .forEach(
            (name, split) -> {
              List<DatasetManifest.Part> parts = new ArrayList<>();
              for (ScoredPart part : written) {
                if (part.split().equals(name)) {
                  parts.add(new DatasetManifest.Part(part.path(), part.rows(), part.bytes()));
                }
              }
              splits.put(
                  name,
                  new DatasetManifest.Split(
                      parts, split.documents(), split.rows(), split.tokens(), split.lossTokens()));
            });
    Map<String, String> options = new TreeMap<>(old.options());
    options.put(StoredReference.OPTION, weights);
    return new DatasetManifest(
        old.schemaVersion(),
        old.kind(),
        old.tokenizerFingerprint(),
        old.templateFingerprint(),
        old.vocabularySize(),
        old.sequenceLength(),
        old.seed(),
        options,
        splits,
        old.recordsRead(),
        old.rejects(),
        old.sources(),
        fingerprint,
        old.counters(),
        old.scores(),
        old.model(),
        old.quarantined(),
        null);
  }
}
