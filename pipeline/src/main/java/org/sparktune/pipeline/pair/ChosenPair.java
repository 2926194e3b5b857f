package org.sparktune.pipeline.pair;

/**
 * A pair that was made.
 *
 * @param prompt the hash of its prompt
 * @param number its place among the prompt's pairs
 * @param chosen the better response
 * @param rejected the worse one
 */
public record ChosenPair(long prompt, int number, Candidate chosen, Candidate rejected) {

  /** By how much the chosen one is better. */
  public float margin() {
    return (float) (chosen.score() - rejected.score());
  }
}
