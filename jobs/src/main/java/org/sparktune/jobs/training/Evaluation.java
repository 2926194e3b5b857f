package org.sparktune.jobs.training;

import com.fasterxml.jackson.annotation.JsonProperty;
import java.util.List;

/**
 * What an evaluation found.
 *
 * @param loss mean over all tokens that carry loss
 * @param tokens how many carry it
 * @param perplexity {@code exp(loss)}
 * @param samples one a sample, in their order
 */
public record Evaluation(
    @JsonProperty("loss") double loss,
    @JsonProperty("tokens") long tokens,
    @JsonProperty("perplexity") double perplexity,
    @JsonProperty("samples") List<Sample> samples) {

  /**
   * One sample.
   *
   * @param loss mean over its tokens that carry loss
   * @param tokens how many carry it
   */
  public record Sample(@JsonProperty("loss") double loss, @JsonProperty("tokens") long tokens) {}

  static Evaluation of(List<Sample> samples) {
    double sum = 0;
    long tokens = 0;
    for (Sample sample : samples) {
      sum += sample.loss() * sample.tokens();
      tokens += sample.tokens();
    }
    double loss = sum / tokens;
    return new Evaluation(loss, tokens, Math.exp(loss), List.copyOf(samples));
  }
}
