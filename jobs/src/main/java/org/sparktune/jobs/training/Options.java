package org.sparktune.jobs.training;

import java.util.List;
import org.sparktune.pipeline.spec.Hyperparameters;
import org.sparktune.pipeline.spec.LayerPolicy;
import org.sparktune.pipeline.spec.LoraOptions;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.run.Cadence;
import org.sparktune.trainer.run.TrainingOptions;

/** A specification's options as the trainer takes them. */
final class Options {
  private Options() {}

  static TrainingOptions training(Hyperparameters parameters) {
    return new TrainingOptions(
        parameters.epochs(),
        parameters.maxSteps(),
        parameters.batchSize(),
        parameters.gradientAccumulationSteps(),
        parameters.maxGradNorm(),
        parameters.seed(),
        schedule(parameters),
        OptimizerChoices.optimizer(parameters),
        new Cadence(
            parameters.logEvery(),
            parameters.evaluateEvery(),
            parameters.sampleEvery(),
            parameters.checkpointEvery(),
            parameters.keepCheckpoints()));
  }

  private static LearningRateSchedule schedule(Hyperparameters parameters) {
    boolean stepsDecide = parameters.warmupSteps() >= 0;
    return new LearningRateSchedule(
        OptimizerChoices.kind(parameters.schedule()),
        parameters.learningRate(),
        stepsDecide ? 0 : parameters.warmupRatio(),
        stepsDecide ? parameters.warmupSteps() : 0,
        parameters.minLearningRateRatio(),
        OptimizerChoices.curve(parameters.schedule(), parameters.scheduleShape()));
  }

  static LoraConfig lora(LoraOptions options, List<LayerPolicy> policies) {
    boolean allLinear = options.targetModules().equals(List.of(LoraOptions.ALL_LINEAR));
    return new LoraConfig(
        options.rank(),
        options.alpha(),
        options.dropout(),
        allLinear
            ? new TargetModules.AllLinear()
            : new TargetModules.Named(options.targetModules()),
        options.useRslora(),
        options.useDora(),
        options.rankPattern(),
        options.alphaPattern(),
        options.modulesToSave(),
        switch (options.init()) {
          case DEFAULT -> LoraConfig.Initialization.KAIMING_UNIFORM;
          case GAUSSIAN -> LoraConfig.Initialization.GAUSSIAN;
        },
        policies(policies));
  }

  static List<org.sparktune.trainer.model.LayerPolicy> policies(List<LayerPolicy> policies) {
    return policies.stream()
        .map(
            policy ->
                new org.sparktune.trainer.model.LayerPolicy(
                    policy.match(), policy.freeze(), policy.rank()))
        .toList();
  }

  static Engines.PrecisionChoice precision(Hyperparameters.Precision precision) {
    return switch (precision) {
      case AUTO -> Engines.PrecisionChoice.AUTO;
      case FP32 -> Engines.PrecisionChoice.FP32;
      case BF16 -> Engines.PrecisionChoice.BF16;
    };
  }

  static Engines.Device device(Hyperparameters.EngineChoice engine) {
    return switch (engine) {
      case AUTO -> Engines.Device.AUTO;
      case CPU -> Engines.Device.CPU;
    };
  }
}
