package org.sparktune.trainer.run;

import java.util.SortedMap;

/**
 * What one optimizer step did.
 *
 * @param step optimizer steps made, this one included
 * @param totalSteps optimizer steps of the run
 * @param loss mean over what the objective averages over, before the update
 * @param gradientNorm global norm before clipping
 * @param learningRate the rate used
 * @param tokens tokens seen since the run began, this step included
 * @param millis time of this step
 * @param tokensPerSecond throughput since the previous logged step
 * @param figures the objective's other means of this step, by name
 */
public record StepMetrics(
    long step,
    long totalSteps,
    double loss,
    double gradientNorm,
    double learningRate,
    long tokens,
    double millis,
    double tokensPerSecond,
    SortedMap<String, Double> figures) {

  /** Such as {@code " | accuracy 0.750 | margin 0.031"}, to be put behind the loss. */
  public String figuresText() {
    return text(figures);
  }

  static String text(SortedMap<String, Double> figures) {
    StringBuilder text = new StringBuilder();
    figures.forEach((name, mean) -> text.append(" | %s %.3f".formatted(name, mean)));
    return text.toString();
  }
}
