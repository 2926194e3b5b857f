package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;

class TrainingOptionsTest {
  @Test
  void shouldHaveTheDocumentedDefaults() {
    TrainingOptions defaults = TrainingOptions.DEFAULTS;
    assertEquals(3, defaults.epochs());
    assertEquals(0, defaults.maxSteps());
    assertEquals(8, defaults.batchSize());
    assertEquals(1, defaults.gradientAccumulationSteps());
    assertEquals(1.0, defaults.maxGradNorm());
    assertEquals(42, defaults.seed());
    assertEquals(LearningRateSchedule.DEFAULTS, defaults.schedule());
    assertEquals(AdamWOptions.DEFAULTS, defaults.optimizer());
    assertEquals(new Cadence(1, 50, 0, 100, 2), defaults.cadence());
  }

  @Test
  void shouldReportEveryProblemAtOnce() {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> options(0, 0, 0, -1, Double.NaN));
    assertEquals(ErrorCode.INVALID_SPEC, e.code());
    assertEquals(
        "epochs must be at least 1 without max_steps, not 0; batch_size must be at least 1, not 0;"
            + " gradient_accumulation_steps must be at least 1, not -1; max_grad_norm must not be"
            + " negative, it is NaN.",
        e.getMessage());
    assertThrows(SparktuneException.class, () -> new Cadence(0, -1, -1, -1, 0));
  }

  @Test
  void shouldPlanTheRun() {
    DatasetManifest.Split split = new DatasetManifest.Split(List.of(), 90, 37, 3700, 1000);
    TrainingPlan plan = TrainingPlan.of(options(3, 0, 3, 2, 1.0), split, 1000);
    assertEquals(7, plan.stepsPerEpoch());
    assertEquals(21, plan.totalSteps());
    assertEquals(3700 / 7, plan.tokensPerStep());
    assertEquals(5 * 4000, plan.trainingBytes());
    assertEquals(50, TrainingPlan.of(options(3, 50, 3, 2, 1.0), split, 1).totalSteps());
    assertEquals(4 * 4000, TrainingPlan.of(options(3, 0, 3, 1, 1.0), split, 1000).trainingBytes());
  }

  private static TrainingOptions options(
      int epochs, long maxSteps, int batchSize, int accumulation, double maxGradNorm) {
    return new TrainingOptions(
        epochs,
        maxSteps,
        batchSize,
        accumulation,
        maxGradNorm,
        42,
        LearningRateSchedule.DEFAULTS,
        AdamWOptions.DEFAULTS,
        Cadence.DEFAULTS);
  }
}
