package org.sparktune.trainer.dl4j;

import java.util.ArrayList;
import java.util.List;
import org.deeplearning4j.nn.api.OptimizationAlgorithm;
import org.deeplearning4j.nn.conf.BackpropType;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.stepfunctions.NegativeGradientStepFunction;
import org.nd4j.linalg.api.buffer.DataType;

/** What DL4J can train alone, but ranks cannot train in step. */
final class Obstacles {
  private Obstacles() {}

  /** Every reason, each a clause that says what and what to use; empty if there is none. */
  static List<String> of(
      DataType type, BackpropType backpropagation, NeuralNetConfiguration configuration) {
    List<String> obstacles = new ArrayList<>();
    if (type != DataType.FLOAT) {
      obstacles.add(
          "its data type is %s and ranks add FLOAT: use dataType(DataType.FLOAT)".formatted(type));
    }
    if (backpropagation == BackpropType.TruncatedBPTT) {
      obstacles.add(
          "truncated back-propagation through time updates within a batch:"
              + " use BackpropType.Standard and cut the series into batches");
    }
    if (configuration.getOptimizationAlgo() != OptimizationAlgorithm.STOCHASTIC_GRADIENT_DESCENT) {
      obstacles.add(
          "%s searches along a line on each machine: use STOCHASTIC_GRADIENT_DESCENT"
              .formatted(configuration.getOptimizationAlgo()));
    }
    if (configuration.getStepFunction() != null
        && !(configuration.getStepFunction() instanceof NegativeGradientStepFunction)) {
      obstacles.add(
          "its step function is %s: leave it out"
              .formatted(configuration.getStepFunction().getClass().getSimpleName()));
    }
    return obstacles;
  }
}
