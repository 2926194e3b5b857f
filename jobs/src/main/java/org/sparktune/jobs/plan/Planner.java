package org.sparktune.jobs.plan;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.core.DatasetManifest;
import org.sparktune.jobs.doctor.Machine;
import org.sparktune.jobs.storage.Place;
import org.sparktune.jobs.training.ModelLocations;
import org.sparktune.jobs.training.OpenModel;
import org.sparktune.jobs.training.Sizing;
import org.sparktune.jobs.workflow.TaskPaths;
import org.sparktune.jobs.workflow.Workflow;
import org.sparktune.pipeline.spec.DatasetChoice;
import org.sparktune.pipeline.spec.DatasetOptions;
import org.sparktune.pipeline.spec.Hyperparameters;
import org.sparktune.pipeline.spec.Reference;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.run.TrainingPlan;

/**
 * Works out what a workflow would do. A task whose base model another task has yet to make is
 * planned without the model's numbers.
 */
public final class Planner {
  /** Assumed: a whole step reaches half the speed of the measured product. */
  private static final double STEP_EFFICIENCY = 0.5;

  private final Workflow workflow;
  private final TaskPaths paths;
  private final Map<String, DataEstimate> estimates = new HashMap<>();
  private final Map<Hyperparameters.Precision, EngineProbe> probes =
      new EnumMap<>(Hyperparameters.Precision.class);

  private final Map<Hyperparameters.Precision, EngineFootprint> footprints =
      new EnumMap<>(Hyperparameters.Precision.class);

  /** A planner for a workflow. */
  public Planner(Workflow workflow) {
    this.workflow = workflow;
    this.paths = workflow.paths();
  }

  /** The whole plan: samples data, measures the engine. */
  public WorkflowPlan plan() {
    List<TaskPlan> tasks = new ArrayList<>();
    for (Task task : workflow.tasks()) {
      tasks.add(plan(task));
    }
    EngineProbe probe = probe(Hyperparameters.Precision.AUTO);
    return new WorkflowPlan(
        workflow.spec().name(),
        paths.output().location(),
        tasks,
        probe.description(),
        probe.gflops(),
        availableBytes(probe.footprint()),
        Runtime.getRuntime().maxMemory());
  }

  private TaskPlan plan(Task task) {
    boolean done = workflow.isDone(task);
    if (!paths.isMade(task.baseModel())) {
      String later =
          "made by task '%s'".formatted(((Reference.TaskOutput) task.baseModel()).task());
      return new TaskPlan(
          task.name(), task.type().word(), done, null, later, null, null, null, null, null, null);
    }
    Path modelPath = modelPath(task);
    try (OpenModel model = OpenModel.open(modelPath)) {
      String words = words(modelPath, model.config());
      if (task instanceof Task.Prepare prepare) {
        DataEstimate data = estimate(task.name(), prepare.dataset(), model);
        return new TaskPlan(
            task.name(), task.type().word(), done, data, words, null, null, null, null, null, null);
      }
      if (task instanceof Task.Training training) {
        return planTraining(training, model, words, done);
      }
      if (task instanceof Task.Distill distill) {
        DataEstimate data = data(distill, distill.dataset(), model);
        return new TaskPlan(
            task.name(), task.type().word(), done, data, words, null, null, null, null, null, null);
      }
      if (task instanceof Task.Evaluate evaluate) {
        return planEvaluation(evaluate, model, words, done);
      }
      return new TaskPlan(
          task.name(), task.type().word(), done, null, words, null, null, null, null, null, null);
    }
  }

  private TaskPlan planTraining(Task.Training task, OpenModel model, String words, boolean done) {
    DataEstimate data = data(task, task.dataset(), model);
    EngineProbe probe = probe(task.hyperparameters().precision());
    MemoryEstimate memory =
        Sizing.training(
            model, task, initAdapter(task), data.sequenceLength(), probe.footprint(), ranks());
    long trained = memory.gradients() / Float.BYTES;
    DatasetManifest.Split split =
        new DatasetManifest.Split(
            List.of(),
            data.documents(),
            data.rows(),
            Sizing.tokens(task, data.rows(), data.tokens()),
            data.tokens());
    TrainingPlan plan = TrainingPlan.of(Sizing.options(task), split, trained, ranks());
    long tokens = plan.totalSteps() * plan.tokensPerStep();
    double operations = tokens * Sizing.trainingOperationsPerToken(model.config(), task);
    return new TaskPlan(
        task.name(),
        task.type().word(),
        done,
        data,
        words,
        trained,
        plan.totalSteps(),
        tokens,
        memory.total(),
        memory.describe(),
        operations / (probe.gflops() * 1e9 * STEP_EFFICIENCY));
  }

  private TaskPlan planEvaluation(Task.Evaluate task, OpenModel model, String words, boolean done) {
    DataEstimate data = data(task, task.dataset(), model);
    EngineProbe probe = probe(task.precision());
    MemoryEstimate memory =
        Sizing.evaluation(model, task, adapter(task), data.sequenceLength(), probe.footprint());
    return new TaskPlan(
        task.name(),
        task.type().word(),
        done,
        data,
        words,
        null,
        null,
        null,
        memory.total(),
        memory.describe(),
        null);
  }

  /**
   * Refuses a workflow with a task that cannot fit into this machine's memory, before anything is
   * spent. Ranks on other machines look at theirs when they start.
   *
   * @param trainsHere whether trainings run on this machine
   * @throws org.sparktune.core.SparktuneException {@code RESOURCES}
   */
  public void requireMemory(boolean trainsHere) {
    for (Task task : workflow.tasks()) {
      boolean sized =
          task instanceof Task.Evaluate || (trainsHere && task instanceof Task.Training);
      if (!sized || workflow.isDone(task) || !paths.isMade(task.baseModel())) {
        continue;
      }
      try (OpenModel model = OpenModel.open(modelPath(task))) {
        // Ranks that train here share the machine.
        int sharing = task instanceof Task.Training ? ranks() : 1;
        memory(task, model).requireWithin(availableBytes(footprint(task)) / sharing);
      }
    }
  }

  private int ranks() {
    return workflow.spec().cluster().executors();
  }

  private MemoryEstimate memory(Task task, OpenModel model) {
    if (task instanceof Task.Training training) {
      return Sizing.training(
          model,
          training,
          initAdapter(training),
          sequenceLength(training, training.dataset()),
          footprint(training),
          ranks());
    }
    Task.Evaluate evaluate = (Task.Evaluate) task;
    return Sizing.evaluation(
        model,
        evaluate,
        adapter(evaluate),
        sequenceLength(evaluate, evaluate.dataset()),
        footprint(evaluate));
  }

  private EngineFootprint footprint(Task task) {
    return footprint(
        task instanceof Task.Training training
            ? training.hyperparameters().precision()
            : ((Task.Evaluate) task).precision());
  }

  /** What the engine's tensors may take, in its own memory or the machine's. */
  private static long availableBytes(EngineFootprint engine) {
    return engine.availableBytes().orElseGet(Machine::availableMemoryBytes);
  }

  private int sequenceLength(Task task, DatasetChoice choice) {
    DatasetOptions options = options(choice);
    return options != null
        ? options.sequenceLength()
        : manifest(paths.dataset(task, choice)).sequenceLength();
  }

  /** How the data of a task is prepared; null for a folder that is prepared already. */
  private DatasetOptions options(DatasetChoice choice) {
    if (choice instanceof DatasetChoice.Raw raw) {
      return raw.options();
    }
    return ((DatasetChoice.Prepared) choice).source() instanceof Reference.TaskOutput made
        ? ((Task.Prepare) workflow.spec().task(made.task())).dataset()
        : null;
  }

  private DataEstimate data(Task task, DatasetChoice choice, OpenModel model) {
    DatasetOptions options = options(choice);
    if (options == null) {
      return exact(manifest(paths.dataset(task, choice)));
    }
    String key =
        choice instanceof DatasetChoice.Prepared prepared
            ? ((Reference.TaskOutput) prepared.source()).task()
            : task.name();
    return estimate(key, options, model);
  }

  private DataEstimate estimate(String task, DatasetOptions options, OpenModel model) {
    return estimates.computeIfAbsent(
        task,
        name -> {
          String folder = paths.ownDataset(name);
          return DatasetFolder.isDataset(folder, paths.hadoop())
              ? exact(manifest(folder))
              : new DataSampler(options, model.file().path(), model.tokenizer()).sample();
        });
  }

  private static DataEstimate exact(DatasetManifest manifest) {
    DatasetManifest.Split train = manifest.splits().get("train");
    return new DataEstimate(
        true,
        0,
        0,
        train.documents(),
        train.rows(),
        train.tokens(),
        manifest.sequenceLength(),
        "",
        0,
        0);
  }

  private DatasetManifest manifest(String folder) {
    return DatasetFolder.open(folder, paths.hadoop()).manifest();
  }

  /** A stored adapter; one that another task has yet to make is counted by the written shape. */
  private Path initAdapter(Task.Training task) {
    return task instanceof Task.Adapting lora ? made(lora.initAdapter()) : null;
  }

  private Path adapter(Task.Evaluate task) {
    return made(task.adapter());
  }

  /** An adapter's folder here; null if there is none, or if a task has yet to make it. */
  private Path made(Reference adapter) {
    return paths
        .adapter(adapter)
        .filter(location -> Place.of(location, paths.hadoop()).exists())
        .map(location -> ModelLocations.adapter(location, paths.hadoop()))
        .orElse(null);
  }

  private Path modelPath(Task task) {
    return ModelLocations.model(paths.model(task.baseModel()), paths.hadoop());
  }

  private EngineProbe probe(Hyperparameters.Precision precision) {
    return probes.computeIfAbsent(precision, choice -> EngineProbe.measure(engineChoice(choice)));
  }

  /** What a choice of precision comes to on this machine. */
  private EngineFootprint footprint(Hyperparameters.Precision choice) {
    return footprints.computeIfAbsent(
        choice,
        unresolved -> {
          try (Engine engine =
              Engines.open(
                  engineChoice(unresolved), Engines.defaultThreads(), Engines.Device.AUTO)) {
            return engine.footprint();
          }
        });
  }

  private static Engines.PrecisionChoice engineChoice(Hyperparameters.Precision precision) {
    return switch (precision) {
      case AUTO -> Engines.PrecisionChoice.AUTO;
      case FP32 -> Engines.PrecisionChoice.FP32;
      case BF16 -> Engines.PrecisionChoice.BF16;
    };
  }

  private static String words(Path path, DecoderConfig config) {
    return "%s: %s, %,d parameters, %d layers, hidden size %d, vocabulary %,d"
        .formatted(
            path.getFileName(),
            config.architecture(),
            config.parameters(),
            config.layers(),
            config.hiddenSize(),
            config.vocabularySize());
  }
}
