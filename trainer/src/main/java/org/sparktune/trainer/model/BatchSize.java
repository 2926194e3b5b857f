package org.sparktune.trainer.model;

/**
 * The largest batch of a run, as memory is estimated for.
 *
 * @param rows rows of a micro-batch
 * @param sequenceLength tokens of the longest row, and so of the longest document
 */
public record BatchSize(int rows, int sequenceLength) {

  /** One row of so many tokens. */
  public static BatchSize ofTokens(int tokens) {
    return new BatchSize(1, tokens);
  }

  /** Tokens of the batch; more than arrays can have count as the most they can have. */
  public int tokens() {
    return (int) Math.min(Integer.MAX_VALUE, (long) rows * sequenceLength);
  }
}
