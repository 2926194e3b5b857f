package org.sparktune.trainer.run;

/**
 * A pass over the validation split.
 *
 * @param step optimizer steps made before it
 * @param loss mean over all loss-carrying tokens
 * @param perplexity {@code exp(loss)}
 * @param tokens how many tokens carried loss
 */
public record EvaluationMetrics(long step, double loss, double perplexity, long tokens) {}
