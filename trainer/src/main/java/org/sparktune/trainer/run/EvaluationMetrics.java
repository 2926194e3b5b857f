package org.sparktune.trainer.run;

import java.util.SortedMap;

/**
 * A pass over the validation split.
 *
 * @param step optimizer steps made before it
 * @param loss mean over everything that the objective averages over
 * @param weight how many tokens, pairs and so on that is
 * @param figures the objective's other means, by name; {@link #PERPLEXITY} where there is one
 */
public record EvaluationMetrics(
    long step, double loss, long weight, SortedMap<String, Double> figures) {

  /** {@code exp(loss)} where the loss is a likelihood of tokens. */
  public static final String PERPLEXITY = "perplexity";

  /** Such as {@code " | accuracy 0.750 | margin 0.031"}, to be put behind the loss. */
  public String figuresText() {
    return StepMetrics.text(figures);
  }
}
