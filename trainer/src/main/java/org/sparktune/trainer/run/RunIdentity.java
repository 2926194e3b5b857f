package org.sparktune.trainer.run;

import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.trainer.optim.LearningRateSchedule;

/**
 * All that decides the bits of a run's result, by the names the specification uses, so that a
 * refusal to resume can say what changed. The cadence is not in it.
 */
final class RunIdentity {
  private RunIdentity() {}

  static SortedMap<String, String> of(TrainingInputs inputs, long totalSteps) {
    TrainingOptions options = inputs.options();
    LearningRateSchedule schedule = options.schedule();
    SortedMap<String, String> identity = new TreeMap<>(inputs.identity());
    identity.put("dataset", inputs.train().fingerprint());
    identity.put("steps", Long.toString(totalSteps));
    identity.put("batch_size", Integer.toString(options.batchSize()));
    identity.put(
        "gradient_accumulation_steps", Integer.toString(options.gradientAccumulationSteps()));
    identity.put("max_grad_norm", Double.toString(options.maxGradNorm()));
    identity.put("seed", Long.toString(options.seed()));
    identity.put("learning_rate", Double.toString(schedule.learningRate()));
    identity.put("schedule", schedule.kind().toString());
    identity.put("warmup_ratio", Double.toString(schedule.warmupRatio()));
    identity.put("warmup_steps", Long.toString(schedule.warmupSteps()));
    identity.put("min_learning_rate_ratio", Double.toString(schedule.minimumRatio()));
    if (schedule.curve() != null) {
      identity.put("schedule", schedule.curve().toString());
    }
    identity.putAll(options.optimizer().identity());
    return identity;
  }
}
