package org.sparktune.jobs.training;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.PpoOptions;
import org.sparktune.pipeline.spec.Task;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.run.Rollouts;

/**
 * Copies of a policy that sample beside its training, each with an engine of its own; learner and
 * workers share the process's threads.
 *
 * @param options of the task; null where sampling and training take turns
 * @param threads of the process
 */
record PolicyCopies(PpoOptions.Apart options, int threads) {

  static PolicyCopies of(Task.Training task, int threads) {
    return new PolicyCopies(task instanceof Task.Ppo ppo ? ppo.ppo().apart() : null, threads);
  }

  int count() {
    return options == null ? 0 : options.workers();
  }

  private int threadsOfWorker() {
    return Math.max(1, threads / (count() + 1));
  }

  /** What the learner's engine gets: all that is left. */
  int threadsOfLearner() {
    return options == null ? threads : Math.max(1, threads - count() * threadsOfWorker());
  }

  /**
   * Opens them.
   *
   * @param engine the learner's
   * @param resources takes charge of them
   * @throws SparktuneException {@code UNSUPPORTED} where the learner computes on a GPU
   */
  Optional<Rollouts.Apart> open(
      OpenModel model, Tuning tuning, Engine engine, Resources resources) {
    if (options == null) {
      return Optional.empty();
    }
    if (engine.availableBytes().isPresent()) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "Sampling beside training (mode: async) computes on processors, and this task's engine is %s."
              .formatted(engine.description()),
          "Set engine: cpu, or mode: sync.");
    }
    List<Decoder> workers = new ArrayList<>();
    Engines.PrecisionChoice precision =
        switch (engine.precision()) {
          case F32 -> Engines.PrecisionChoice.FP32;
          case BF16 -> Engines.PrecisionChoice.BF16;
        };
    for (int i = 0; i < count(); i++) {
      Engine own = resources.add(Engines.open(precision, threadsOfWorker(), Engines.Device.CPU));
      workers.add(resources.add(Decoder.load(model.config(), model.file(), own, tuning)));
    }
    return Optional.of(
        new Rollouts.Apart(
            workers, options.maxStaleness(), options.queueSize(), options.importanceCap()));
  }
}
