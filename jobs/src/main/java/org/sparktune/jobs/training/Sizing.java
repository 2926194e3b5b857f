package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.Optional;
import org.sparktune.pipeline.spec.Hyperparameters;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.MemoryEstimate;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.run.TrainingOptions;

/** What a task needs, from the model's shape and the options alone: no weight is read. */
public final class Sizing {
  private Sizing() {}

  /** How products are computed that a training's options ask for. */
  public static Engines.PrecisionChoice precision(Hyperparameters parameters) {
    return Options.precision(parameters.precision());
  }

  /**
   * The memory that each rank of a training needs.
   *
   * @param initAdapter the adapter it starts from, or null
   * @param sequenceLength tokens of a full row
   * @param ranks how many train together; the estimate is for one of them
   */
  public static MemoryEstimate training(
      OpenModel model,
      Task.Training task,
      Path initAdapter,
      int sequenceLength,
      EngineFootprint engine,
      int ranks) {
    try (Resources resources = new Resources()) {
      Optional<LoadedAdapter> init =
          Optional.ofNullable(initAdapter)
              .map(folder -> resources.add(LoadedAdapter.open(folder, model)));
      Tuning tuning = TrainingRunner.tuning(task, init, model);
      return TrainingRunner.estimate(model, tuning, task, sequenceLength, engine, ranks);
    }
  }

  /**
   * The memory of an evaluation of full rows.
   *
   * @param adapter what is on the model, or null: nothing, or nothing that is made already
   */
  public static MemoryEstimate evaluation(
      OpenModel model,
      Task.Evaluate task,
      Path adapter,
      int sequenceLength,
      EngineFootprint engine) {
    try (Resources resources = new Resources()) {
      Optional<LoadedAdapter> loaded =
          Optional.ofNullable(adapter)
              .map(folder -> resources.add(LoadedAdapter.open(folder, model)));
      return MemoryEstimate.evaluation(
          model.config(),
          LoadedDecoder.tuning(model, loaded, task.quantization()),
          new BatchSize(task.batchSize(), sequenceLength),
          engine);
    }
  }

  /**
   * The tokens that a task reads of a dataset's split: of a prompt, what is sampled for it too.
   *
   * @param rows of the split
   * @param tokens of the split
   */
  public static long tokens(Task.Training task, long rows, long tokens) {
    return task instanceof Task.Ppo ppo
        ? ppo.ppo().groupSize() * (tokens + rows * ppo.ppo().maxNewTokens())
        : tokens;
  }

  /** The loop's options. */
  public static TrainingOptions options(Task.Training task) {
    return Options.training(task.hyperparameters());
  }

  /**
   * Floating-point operations of training on a token: 2 a weight forward, 2 a weight for the
   * gradient of the activations, and 2 more for the gradient of a weight that is trained (Kaplan et
   * al. 2020); attention's own share is left out. A token of a response is also sampled, and scored
   * by policy and reference.
   */
  public static double trainingOperationsPerToken(DecoderConfig config, Task.Training task) {
    double weights = config.parameters();
    if (task instanceof Task.Ppo ppo) {
      return (6 + 4 * ppo.ppo().epochs()) * weights;
    }
    return task instanceof Task.Adapting ? 4 * weights : 6 * weights;
  }
}
