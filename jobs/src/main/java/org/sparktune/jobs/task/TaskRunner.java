package org.sparktune.jobs.task;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.apache.spark.sql.SparkSession;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.distill.DistillJob;
import org.sparktune.jobs.export.ModelExporter;
import org.sparktune.jobs.reference.ReferenceJob;
import org.sparktune.jobs.spark.TrainingJob;
import org.sparktune.jobs.storage.Place;
import org.sparktune.jobs.storage.WorkFolder;
import org.sparktune.jobs.training.DatasetEvaluator;
import org.sparktune.jobs.training.Evaluation;
import org.sparktune.jobs.training.LoadedDecoder;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.jobs.training.RewardEvaluation;
import org.sparktune.jobs.training.RewardPlot;
import org.sparktune.jobs.training.Sizing;
import org.sparktune.jobs.training.StopSignal;
import org.sparktune.jobs.training.TrainingRequest;
import org.sparktune.jobs.workflow.TaskExecutor;
import org.sparktune.jobs.workflow.TaskPaths;
import org.sparktune.pipeline.prepare.IncrementalPreparation;
import org.sparktune.pipeline.prepare.PrepareOptions;
import org.sparktune.pipeline.prepare.PreparePipeline;
import org.sparktune.pipeline.prepare.StreamPreparation;
import org.sparktune.pipeline.prepare.VersionSummary;
import org.sparktune.pipeline.spec.ArrivalOptions;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.pipeline.spec.TaskSpec;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.run.TrainingListener;

/** Runs any task of a specification. */
public final class TaskRunner implements TaskExecutor {
  private final TaskSpec spec;
  private final TaskPaths paths;
  private final SparkHolder spark;
  private final Function<Task, TrainingListener> watchers;

  /**
   * @param watchers who watches a training
   */
  public TaskRunner(
      TaskSpec spec,
      TaskPaths paths,
      SparkHolder spark,
      Function<Task, TrainingListener> watchers) {
    this.spec = spec;
    this.paths = paths;
    this.spark = spark;
    this.watchers = watchers;
  }

  @Override
  public Map<String, Object> execute(Task task, Place folder) {
    if (task instanceof Task.Prepare prepare) {
      return prepare.arrival().versioned()
          ? append(prepare)
          : manifestSummary(prepare(task, prepare.dataset()));
    }
    if (task instanceof Task.Training training) {
      return train(training, folder);
    }
    if (task instanceof Task.Distill distill) {
      return distill(distill, folder);
    }
    if (task instanceof Task.Merge merge) {
      return merge(merge, folder);
    }
    return evaluate((Task.Evaluate) task, folder);
  }

  private Map<String, Object> merge(Task.Merge task, Place folder) {
    String name =
        switch (task.format()) {
          case SAFETENSORS -> "model";
          case GGUF -> "model.gguf";
        };
    try (WorkFolder work = WorkFolder.open(folder);
        ModelExporter exporter =
            new ModelExporter(model(task.baseModel()), adapter(task.adapter()))) {
      Path output = work.path().resolve(name);
      switch (task.format()) {
        case SAFETENSORS -> exporter.safetensors(DType.valueOf(task.elementType()), output);
        case GGUF -> exporter.gguf(GgmlType.valueOf(task.elementType()), output);
      }
      work.publish();
      return Map.of("model", folder.child(name).location());
    }
  }

  private DatasetManifest prepare(Task task, DatasetOptions options) {
    PrepareOptions prepareOptions = prepareOptions(task, options);
    return stoppable(
        "The preparation", session -> PreparePipeline.prepare(session, prepareOptions));
  }

  /** Does work whose Spark jobs end when the process is told to. */
  private <T> T stoppable(String name, Function<SparkSession, T> work) {
    try {
      return spark.prepare(work);
    } catch (RuntimeException e) {
      // Cancelled jobs fail like others.
      StopSignal.check(name);
      throw e;
    }
  }

  private Map<String, Object> append(Task.Prepare task) {
    PrepareOptions options = prepareOptions(task, task.dataset());
    ArrivalOptions arrival = task.arrival();
    VersionSummary summary;
    try {
      summary =
          spark.prepare(
              session ->
                  arrival.mode() == ArrivalOptions.Mode.STREAM
                      ? StreamPreparation.run(session, options, arrival, StopSignal::requested)
                      : IncrementalPreparation.prepare(session, options));
    } catch (RuntimeException e) {
      // Cancelled jobs fail like others.
      StopSignal.check("The preparation");
      throw e;
    }
    StopSignal.check("The preparation");
    return summary.figures();
  }

  private PrepareOptions prepareOptions(Task task, DatasetOptions options) {
    return PrepareOptions.of(
        options, paths.ownDataset(task.name()), paths.model(task.baseModel()), spec.seed());
  }

  private Map<String, Object> train(Task.Training task, Place folder) {
    prepareOwn(task, task.dataset());
    String dataset = dataset(task, task.dataset());
    if (task instanceof Task.Dpo dpo && dpo.preference().precomputeReference()) {
      dataset = reference(dpo, dataset, folder.child("reference").location());
    }
    String initAdapter =
        task instanceof Task.Adapting lora ? paths.adapter(lora.initAdapter()).orElse(null) : null;
    return TrainingJob.run(
        spark.session(),
        new TrainingRequest(
            task,
            paths.model(task.baseModel()),
            initAdapter,
            task instanceof Task.Ppo ppo
                ? paths.rewardModel(ppo.ppo().reward().model()).orElse(null)
                : null,
            dataset,
            folder.location(),
            paths.checkpoints(task.name()),
            spark.changedHadoopSettings()),
        spec.cluster(),
        watchers.apply(task));
  }

  /** The dataset with what the base model says of it, made unless it is there. */
  private String reference(Task.Dpo task, String dataset, String output) {
    ReferenceJob.Inputs inputs =
        new ReferenceJob.Inputs(
            paths.model(task.baseModel()),
            dataset,
            output,
            Sizing.precision(task.hyperparameters()),
            task.lora().quantization(),
            spark.changedHadoopSettings());
    return stoppable(
        "The reference pass",
        session -> ReferenceJob.run(session, inputs, spec.cluster().executors()));
  }

  private Map<String, Object> distill(Task.Distill task, Place folder) {
    prepareOwn(task, task.dataset());
    DistillJob.Inputs inputs =
        new DistillJob.Inputs(
            model(task.baseModel()),
            paths.rewardModel(task.teacher()).orElseThrow(),
            paths.dataset(task, task.dataset()),
            localFolder(folder),
            spark.changedHadoopSettings());
    return stoppable(
        "The distillation",
        session -> DistillJob.run(session, inputs, task.options(), spec.cluster()));
  }

  private Map<String, Object> evaluate(Task.Evaluate task, Place folder) {
    prepareOwn(task, task.dataset());
    Optional<Path> adapter = adapter(task.adapter());
    String dataset = dataset(task, task.dataset());
    DatasetManifest manifest = DatasetFolder.open(dataset, spark.hadoop()).manifest();
    int sequenceLength = manifest.sequenceLength();
    try (LoadedDecoder model =
        LoadedDecoder.open(
            model(task.baseModel()),
            adapter,
            precision(task),
            task.quantization(),
            new BatchSize(task.batchSize(), sequenceLength))) {
      boolean scored =
          manifest.kind().equals(DatasetOptions.Kind.PREFERENCE.word())
              || manifest.kind().equals(DatasetOptions.Kind.REWARD.word());
      if (scored || model.isRewardModel()) {
        RewardEvaluation scores =
            DatasetEvaluator.score(model, dataset, task.split(), task.batchSize(), spark.hadoop());
        ResultFile.write(folder.child("evaluation.json"), scores);
        if (scores.pairs() != null) {
          folder.child("evaluation.svg").write(RewardPlot.of(scores.pairs()));
        }
        return scores.summary();
      }
      Evaluation evaluation =
          DatasetEvaluator.evaluate(model, dataset, task.split(), task.batchSize(), spark.hadoop());
      ResultFile.write(folder.child("evaluation.json"), evaluation);
      Map<String, Object> summary = new LinkedHashMap<>();
      summary.put("loss", evaluation.loss());
      summary.put("perplexity", evaluation.perplexity());
      summary.put("tokens", evaluation.tokens());
      return summary;
    }
  }

  /** The folder of a task's dataset: one version, the same for all ranks, whatever comes later. */
  private String dataset(Task task, DatasetChoice choice) {
    return DatasetFolder.open(paths.dataset(task, choice), spark.hadoop()).location();
  }

  /** Labels and the training's state lie beside the student and are read while it is trained. */
  private static Path localFolder(Place folder) {
    return folder
        .local()
        .orElseThrow(
            () ->
                new SparktuneException(
                    ErrorCode.UNSUPPORTED,
                    "A distill task cannot write to %s.".formatted(folder),
                    "Give its workflow an output on a local or mounted file system."));
  }

  private Path model(Reference reference) {
    return ModelLocations.model(paths.model(reference), spark.hadoop());
  }

  private Optional<Path> adapter(Reference reference) {
    return paths
        .adapter(reference)
        .map(location -> ModelLocations.adapter(location, spark.hadoop()));
  }

  /** Prepares raw files that a task names for itself. */
  private void prepareOwn(Task task, DatasetChoice choice) {
    if (choice instanceof DatasetChoice.Raw raw) {
      prepare(task, raw.options());
    }
  }

  private static Engines.PrecisionChoice precision(Task.Evaluate task) {
    return switch (task.precision()) {
      case AUTO -> Engines.PrecisionChoice.AUTO;
      case FP32 -> Engines.PrecisionChoice.FP32;
      case BF16 -> Engines.PrecisionChoice.BF16;
    };
  }

  private static Map<String, Object> manifestSummary(DatasetManifest manifest) {
    Map<String, Object> summary = new LinkedHashMap<>();
    summary.put("records", manifest.recordsRead());
    summary.put("rejects", manifest.rejects());
    if (!manifest.quarantined().isEmpty()) {
      summary.put("quarantined", manifest.quarantined());
    }
    if (!manifest.counters().isEmpty()) {
      summary.put("counters", manifest.counters());
    }
    if (!manifest.scores().isEmpty()) {
      summary.put("scores", manifest.scores());
    }
    manifest
        .splits()
        .forEach(
            (name, split) -> {
              summary.put(name + "_rows", split.rows());
              summary.put(name + "_tokens", split.tokens());
              summary.put(name + "_loss_tokens", split.lossTokens());
            });
    return summary;
  }
}
