package org.sparktune.trainer.model;

/**
 * How a pass through the decoder is made.
 *
 * @param adapted whether LoRA factors take part; without them the model is its base
 * @param dropout probability of dropping an input element of the factors; 0 outside training
 * @param seed of dropout: the same seed drops the same elements
 */
public record Passage(boolean adapted, float dropout, long seed) {
  /** The model as it is, without dropout. */
  public static final Passage PLAIN = new Passage(true, 0, 0);

  /** The base without its adapter. */
  public static final Passage BASE = new Passage(false, 0, 0);
}
