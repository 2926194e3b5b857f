package org.sparktune.jobs.distill;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.api.java.JavaRDD;
import org.apache.spark.api.java.JavaSparkContext;
import org.apache.spark.sql.SparkSession;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.training.OpenModel;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;
import org.sparktune.pipeline.spec.DistillOptions;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.dl4j.student.StudentManifest;
import org.sparktune.trainer.modelfile.export.TokenizerFiles;
import org.sparktune.trainer.objective.distill.DistillationLoss;

/** A distill task, from the driver's side: label, train, write. */
public final class DistillJob {
  private static final String TRAIN = "train";
  private static final String VALIDATION = "validation";

  /** Enough to know the mean and the deviation of scores to less than a hundredth. */
  private static final int DOCUMENTS_FOR_CLASSES = 100_000;

  private static final int DOCUMENTS_FOR_EVALUATION = 2048;

  private final SparkSession session;
  private final Inputs inputs;
  private final DistillOptions options;
  private final ClusterOptions cluster;
  private final DatasetManifest dataset;

  /**
   * Where everything is.
   *
   * @param model whose tokenizer the dataset was made with
   * @param teacher the reward model's adapter or folder, a path or URI
   * @param dataset folder or URI
   * @param folder of the task
   * @param hadoop settings of the file systems that differ from their defaults
   */
  public record Inputs(
      Path model, String teacher, String dataset, Path folder, Map<String, String> hadoop) {}

  private DistillJob(
      SparkSession session,
      Inputs inputs,
      DistillOptions options,
      ClusterOptions cluster,
      DatasetManifest dataset) {
    this.session = session;
    this.inputs = inputs;
    this.options = options;
    this.cluster = cluster;
    this.dataset = dataset;
  }

  /**
   * Distils, going on from what an earlier run left.
   *
   * @return what the task reports
   * @throws SparktuneException {@code MISMATCH} for prompts, or for another tokenizer; {@code
   *     BAD_DATA} where there is nothing to learn; {@code DIVERGED} for scores or losses that are
   *     not finite
   */
  public static Map<String, Object> run(
      SparkSession session, Inputs inputs, DistillOptions options, ClusterOptions cluster) {
    Configuration hadoop = session.sparkContext().hadoopConfiguration();
    DatasetFolder folder = DatasetFolder.open(inputs.dataset(), hadoop);
    if (folder.manifest().kind().equals(Kind.PROMPT.word())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The dataset %s is of kind prompt, which has nothing to score."
              .formatted(inputs.dataset()),
          "Give documents: kind preference, reward or sft.");
    }
    try (OpenModel model = OpenModel.open(inputs.model())) {
      Tokenizer tokenizer = model.tokenizer();
      folder.requireTokenizer(tokenizer.fingerprint());
      DistillJob job = new DistillJob(session, inputs, options, cluster, folder.manifest());
      return job.run(model, tokenizer);
    }
  }

  private Map<String, Object> run(OpenModel model, Tokenizer tokenizer) {
    JavaRDD<LabelledDocument> train = labelled(TRAIN);
    long count = train.count();
    if (count == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "The dataset %s has no documents to learn from.".formatted(inputs.dataset()),
          "Look at its _rejects folder for the reasons.");
    }
    Curriculum curriculum = Curriculum.of(some(train, count, DOCUMENTS_FOR_CLASSES), options);
    StudentManifest manifest =
        new StudentManifest(
            StudentManifest.VERSION,
            model.config().vocabularySize(),
            options.student().hiddenSize(),
            options.student().maxTokens(),
            curriculum.teacher(),
            options.weight(),
            options.temperature(),
            tokenizer.fingerprint(),
            !"false".equals(dataset.options().get("append_eos")));
    StudentTraining.Outcome outcome =
        new StudentTraining(
                JavaSparkContext.fromSparkContext(session.sparkContext()),
                cluster,
                options,
                curriculum,
                manifest,
                inputs.folder())
            .run(train, count, evaluation(train, count, curriculum));
    write(outcome.student(), model);
    return summary(outcome, count);
  }

  private StudentEvaluation evaluation(
      JavaRDD<LabelledDocument> train, long count, Curriculum curriculum) {
    boolean held = rows(VALIDATION) > 0;
    JavaRDD<LabelledDocument> documents = held ? labelled(VALIDATION) : train;
    return new StudentEvaluation(
        curriculum,
        new DistillationLoss(options.weight(), options.temperature()),
        some(documents, held ? documents.count() : count, DOCUMENTS_FOR_EVALUATION),
        options.batchSize());
  }

  /** About as many documents, both of a pair or none, in the dataset's order. */
  private static List<LabelledDocument> some(
      JavaRDD<LabelledDocument> documents, long count, int wanted) {
    double share = (double) wanted / count;
    List<LabelledDocument> found =
        new ArrayList<>(documents.filter(document -> share >= 1 || document.isIn(share)).collect());
    found.sort(Comparator.comparingLong(LabelledDocument::number));
    return found;
  }

  private JavaRDD<LabelledDocument> labelled(String split) {
    // In one process, tasks would share its cores, each with a model in memory.
    int tasks = session.sparkContext().isLocal() ? 1 : cluster.executors();
    return new TeacherLabels(session, inputs.folder().resolve("labels"))
        .of(inputs.teacher(), inputs.dataset(), split, inputs.hadoop(), rows(split), tasks);
  }

  private long rows(String split) {
    DatasetManifest.Split found = dataset.splits().get(split);
    return found == null ? 0 : found.rows();
  }

  private void write(Student student, OpenModel model) {
    Path folder = inputs.folder().resolve("student");
    try {
      Files.createDirectories(folder);
      TokenizerFiles.write(model.file(), model.config(), folder);
      student.save(folder);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Map<String, Object> summary(StudentTraining.Outcome outcome, long documents) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("steps", outcome.steps());
    summary.put("documents", documents);
    summary.put("parameters", outcome.student().graph().numParams());
    outcome.figures().forEach((name, value) -> summary.put("validation_" + name, value));
    return summary;
  }
}
