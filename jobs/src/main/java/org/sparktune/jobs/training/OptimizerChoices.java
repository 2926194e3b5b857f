package org.sparktune.jobs.training;

import java.util.HashMap;
import java.util.Map;
import org.nd4j.linalg.learning.config.AMSGrad;
import org.nd4j.linalg.learning.config.AdaBelief;
import org.nd4j.linalg.learning.config.AdaDelta;
import org.nd4j.linalg.learning.config.AdaGrad;
import org.nd4j.linalg.learning.config.AdaMax;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.learning.config.IUpdater;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.learning.config.Nesterovs;
import org.nd4j.linalg.learning.config.NoOp;
import org.nd4j.linalg.learning.config.RmsProp;
import org.nd4j.linalg.learning.config.Sgd;
import org.nd4j.linalg.schedule.CycleSchedule;
import org.nd4j.linalg.schedule.ExponentialSchedule;
import org.nd4j.linalg.schedule.FixedSchedule;
import org.nd4j.linalg.schedule.ISchedule;
import org.nd4j.linalg.schedule.InverseSchedule;
import org.nd4j.linalg.schedule.MapSchedule;
import org.nd4j.linalg.schedule.PolySchedule;
import org.nd4j.linalg.schedule.RampSchedule;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.SigmoidSchedule;
import org.nd4j.linalg.schedule.StepSchedule;
import org.sparktune.pipeline.spec.Hyperparameters;
import org.sparktune.pipeline.spec.ScheduleShape;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.optim.OptimizerOptions;
import org.sparktune.trainer.optim.UpdaterOptions;

/** A specification's optimizer and schedule as the trainer takes them. */
final class OptimizerChoices {
  /** The run's schedule sets the rate of every step. */
  private static final double ANY_RATE = 1;

  private OptimizerChoices() {}

  static OptimizerOptions optimizer(Hyperparameters parameters) {
    double beta1 = parameters.adamBeta1();
    double beta2 = parameters.adamBeta2();
    double given = parameters.optimizer().epsilon();
    double decay = parameters.optimizer().decay();
    IUpdater updater =
        switch (parameters.optimizer().updater()) {
          case ADAMW -> null;
          case ADAM -> new Adam(ANY_RATE, beta1, beta2, epsilon(given, Adam.DEFAULT_ADAM_EPSILON));
          case AMSGRAD ->
              new AMSGrad(ANY_RATE, beta1, beta2, epsilon(given, AMSGrad.DEFAULT_AMSGRAD_EPSILON));
          case ADAMAX ->
              new AdaMax(ANY_RATE, beta1, beta2, epsilon(given, AdaMax.DEFAULT_ADAMAX_EPSILON));
          case NADAM ->
              new Nadam(ANY_RATE, beta1, beta2, epsilon(given, Nadam.DEFAULT_NADAM_EPSILON));
          case ADABELIEF ->
              new AdaBelief(ANY_RATE, beta1, beta2, epsilon(given, AdaBelief.DEFAULT_EPSILON));
          case ADADELTA -> new AdaDelta(decay, epsilon(given, AdaDelta.DEFAULT_ADADELTA_EPSILON));
          case ADAGRAD -> new AdaGrad(ANY_RATE, epsilon(given, AdaGrad.DEFAULT_ADAGRAD_EPSILON));
          case RMSPROP ->
              new RmsProp(ANY_RATE, decay, epsilon(given, RmsProp.DEFAULT_RMSPROP_EPSILON));
          case NESTEROVS -> new Nesterovs(ANY_RATE, parameters.optimizer().momentum());
          case SGD -> new Sgd(ANY_RATE);
          case NOOP -> new NoOp();
        };
    return updater == null
        ? new AdamWOptions(beta1, beta2, parameters.adamEpsilon(), parameters.weightDecay())
        : new UpdaterOptions(updater, parameters.weightDecay());
  }

  static LearningRateSchedule.Kind kind(Hyperparameters.Schedule schedule) {
    return switch (schedule) {
      case COSINE -> LearningRateSchedule.Kind.COSINE;
      case LINEAR -> LearningRateSchedule.Kind.LINEAR;
      case CONSTANT -> LearningRateSchedule.Kind.CONSTANT;
      case STEP, EXPONENTIAL, POLY, INVERSE, SIGMOID, CYCLE, RAMP, MAP ->
          LearningRateSchedule.Kind.CURVE;
    };
  }

  /** One of ND4J's schedules with a peak of 1; null for our own. */
  static ISchedule curve(Hyperparameters.Schedule schedule, ScheduleShape shape) {
    ScheduleType by = ScheduleType.ITERATION;
    return switch (schedule) {
      case COSINE, LINEAR, CONSTANT -> null;
      case STEP -> new StepSchedule(by, 1, shape.rate(), shape.steps());
      case EXPONENTIAL -> new ExponentialSchedule(by, 1, shape.rate());
      case POLY -> new PolySchedule(by, 1, shape.power(), shape.steps());
      case INVERSE -> new InverseSchedule(by, 1, shape.rate(), shape.power());
      case SIGMOID -> new SigmoidSchedule(by, 1, shape.rate(), shape.steps());
      case CYCLE -> new CycleSchedule(by, 1, shape.steps());
      case RAMP -> new RampSchedule(new FixedSchedule(1), shape.steps());
      case MAP -> new MapSchedule(by, points(shape));
    };
  }

  private static Map<Integer, Double> points(ScheduleShape shape) {
    Map<Integer, Double> points = new HashMap<>();
    shape.points().forEach((step, share) -> points.put(Integer.valueOf(step), share));
    return points;
  }

  private static double epsilon(double given, double fallback) {
    return given == 0 ? fallback : given;
  }
}
