package org.sparktune.trainer.optim;

import org.nd4j.linalg.schedule.ISchedule;

/**
 * The learning rate of each optimizer step, by the formulas of transformers' {@code
 * get_constant_schedule_with_warmup}, {@code get_linear_schedule_with_warmup} and {@code
 * get_cosine_with_min_lr_schedule_with_warmup}. With warm-up the first step's rate is 0, as there.
 *
 * @param kind how the rate falls after the warm-up
 * @param learningRate the peak
 * @param warmupRatio warm-up steps as a fraction of all steps, rounded up; used when {@code
 *     warmupSteps} is 0
 * @param warmupSteps warm-up steps, or 0
 * @param minimumRatio the rate at the end as a fraction of the peak; for the first three kinds
 * @param curve for {@link Kind#CURVE} one of ND4J's schedules whose value, a share of the peak, is
 *     asked with the steps since the warm-up as iteration and 0 as epoch; else null
 */
public record LearningRateSchedule(
    Kind kind,
    double learningRate,
    double warmupRatio,
    long warmupSteps,
    double minimumRatio,
    ISchedule curve) {

  /** The shape after the warm-up. */
  public enum Kind {
    CONSTANT,
    LINEAR,
    COSINE,
    CURVE
  }

  /** Cosine from 2e-4 with a warm-up over 3 % of the steps, down to 0. */
  public static final LearningRateSchedule DEFAULTS =
      new LearningRateSchedule(Kind.COSINE, 2e-4, 0.03, 0, 0.0);

  /** Checks the values. */
  public LearningRateSchedule {
    Problems problems = new Problems();
    problems.require(
        learningRate >= 0 && learningRate <= Float.MAX_VALUE,
        "learning_rate must be a number that is not negative, it is %s".formatted(learningRate));
    problems.require(
        warmupRatio >= 0 && warmupRatio <= 1,
        "warmup_ratio must be in [0, 1], not %s".formatted(warmupRatio));
    problems.require(
        warmupSteps >= 0, "warmup_steps must not be negative, it is %s".formatted(warmupSteps));
    problems.require(
        minimumRatio >= 0 && minimumRatio <= 1,
        "min_learning_rate_ratio must be in [0, 1], not %s".formatted(minimumRatio));
    problems.require(
        (kind == Kind.CURVE) == (curve != null),
        "schedule %s and its curve %s do not fit".formatted(kind, curve));
    problems.throwIfAny();
  }

  /** A schedule without a curve. */
  public LearningRateSchedule(
      Kind kind, double learningRate, double warmupRatio, long warmupSteps, double minimumRatio) {
    this(kind, learningRate, warmupRatio, warmupSteps, minimumRatio, null);
  }

  /** A constant rate without warm-up. */
  public static LearningRateSchedule constant(double learningRate) {
    return new LearningRateSchedule(Kind.CONSTANT, learningRate, 0, 0, 0);
  }

  /** The same schedule with another peak. */
  public LearningRateSchedule withLearningRate(double newLearningRate) {
    return new LearningRateSchedule(
        kind, newLearningRate, warmupRatio, warmupSteps, minimumRatio, curve);
  }

  /**
   * The rate of a step.
   *
   * @param step optimizer steps already made
   * @param totalSteps optimizer steps of the whole run
   */
  public double at(long step, long totalSteps) {
    long warmup = warmup(totalSteps);
    if (step < warmup) {
      return learningRate * step / Math.max(1, warmup);
    }
    double progress = (double) (step - warmup) / Math.max(1, totalSteps - warmup);
    return switch (kind) {
      case CONSTANT -> learningRate;
      case LINEAR -> falling(Math.max(0.0, 1.0 - progress));
      // StrictMath: the same bits on every machine.
      case COSINE -> falling(0.5 * (1.0 + StrictMath.cos(Math.PI * Math.min(1.0, progress))));
      case CURVE -> learningRate * curve.valueAt(Math.toIntExact(step - warmup), 0);
    };
  }

  private double falling(double factor) {
    return learningRate * (minimumRatio + (1.0 - minimumRatio) * factor);
  }

  private long warmup(long totalSteps) {
    return warmupSteps > 0 ? warmupSteps : (long) Math.ceil(totalSteps * warmupRatio);
  }
}
