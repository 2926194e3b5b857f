package org.sparktune.trainer.model;

/**
 * How a pass through the decoder is made.
 *
 * @param adapted whether LoRA factors take part; without them the model is its base
 * @param dropout probability of dropping an input element of the factors; 0 outside training
 * @param seed of dropout: the same seed drops the same elements
 * @param temperature that logits are divided by before they become log-probabilities
 * @param sharesPrompts whether documents come in pairs whose common beginning is computed once
 */
public record Passage(
    boolean adapted, float dropout, long seed, float temperature, boolean sharesPrompts) {
  /** The model as it is, without dropout. */
  public static final Passage PLAIN = new Passage(true, 0, 0);

  /** The base without its adapter. */
  public static final Passage BASE = new Passage(false, 0, 0);

  /** At temperature 1. */
  public Passage(boolean adapted, float dropout, long seed) {
    this(adapted, dropout, seed, 1, false);
  }

  /** The same at another temperature. */
  public Passage at(double newTemperature) {
    return new Passage(adapted, dropout, seed, (float) newTemperature, sharesPrompts);
  }

  /** The same over pairs of documents, computing what a pair has in common once. */
  public Passage sharingPrompts() {
    return new Passage(adapted, dropout, seed, temperature, true);
  }
}
