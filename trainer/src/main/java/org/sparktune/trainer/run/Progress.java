package org.sparktune.trainer.run;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.annotation.JsonNaming;

/**
 * Where a run stands.
 *
 * @param step optimizer steps made
 * @param tokens tokens seen
 * @param loss the last step's loss; 0 before the first
 * @param learningRate the schedule's peak in force, which may have been changed on the way
 * @param lastEvaluation the latest evaluation, or null
 * @param bestEvaluation the one with the lowest loss, or null
 */
@JsonNaming(PropertyNamingStrategies.SnakeCaseStrategy.class)
record Progress(
    @JsonProperty long step,
    @JsonProperty long tokens,
    @JsonProperty double loss,
    @JsonProperty double learningRate,
    @JsonProperty EvaluationMetrics lastEvaluation,
    @JsonProperty EvaluationMetrics bestEvaluation) {

  static Progress start(double learningRate) {
    return new Progress(0, 0, 0, learningRate, null, null);
  }

  Progress afterStep(long stepTokens, double stepLoss) {
    return new Progress(
        step + 1, tokens + stepTokens, stepLoss, learningRate, lastEvaluation, bestEvaluation);
  }

  Progress afterEvaluation(EvaluationMetrics evaluation) {
    boolean better = bestEvaluation == null || evaluation.loss() < bestEvaluation.loss();
    return new Progress(
        step, tokens, loss, learningRate, evaluation, better ? evaluation : bestEvaluation);
  }

  Progress withLearningRate(double newLearningRate) {
    return new Progress(step, tokens, loss, newLearningRate, lastEvaluation, bestEvaluation);
  }
}
