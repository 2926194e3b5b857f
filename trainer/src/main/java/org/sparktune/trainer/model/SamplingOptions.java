package org.sparktune.trainer.model;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * How the next token is chosen. The filters apply in transformers' order: repetition penalty,
 * temperature, top-k, top-p, min-p.
 *
 * @param maxNewTokens at most so many tokens are generated
 * @param temperature divides the logits; 0 takes the likeliest token
 * @param topK keep only so many of the likeliest tokens; 0 for all
 * @param topP keep the likeliest tokens until their probabilities sum to this; 1 for all
 * @param minP drop tokens less likely than this times the likeliest; 0 for none
 * @param repetitionPenalty divides positive logits of tokens seen before and multiplies negative
 *     ones (Keskar et al. 2019); 1 for none
 * @param seed the same seed chooses the same tokens
 */
public record SamplingOptions(
    int maxNewTokens,
    double temperature,
    int topK,
    double topP,
    double minP,
    double repetitionPenalty,
    long seed) {

  /** Checks the values. */
  public SamplingOptions {
    require(maxNewTokens > 0, "max_new_tokens", maxNewTokens, "positive");
    require(temperature >= 0, "temperature", temperature, "0 or positive");
    require(topK >= 0, "top_k", topK, "0 or positive");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(minP >= 0 && minP < 1, "min_p", minP, "from 0 to below 1");
    require(repetitionPenalty > 0, "repetition_penalty", repetitionPenalty, "positive");
  }

  /** Always the likeliest token. */
  public static SamplingOptions greedy(int maxNewTokens) {
    return new SamplingOptions(maxNewTokens, 0, 0, 1, 0, 1, 0);
  }

  private static void require(boolean holds, String name, Number value, String expected) {
    if (!holds) {
      throw new SparktuneException(
          ErrorCode.USAGE, "%s is %s.".formatted(name, value), "It must be " + expected + ".");
    }
  }

  /** Whether no filter drops a token. */
  boolean takesAll() {
    return topK == 0 && topP == 1 && minP == 0;
  }

  /** Whether the next token is drawn from the logits as they are. */
  boolean drawsFromAll() {
    return temperature > 0 && takesAll() && repetitionPenalty == 1;
  }

  /** Whether the next token is simply the one with the greatest logit. */
  boolean takesLikeliest() {
    return temperature == 0 && repetitionPenalty == 1;
  }
}
