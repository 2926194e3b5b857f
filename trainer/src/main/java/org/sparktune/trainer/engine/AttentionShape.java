package org.sparktune.trainer.engine;

/**
 * The sizes of an attention operator.
 *
 * @param heads query heads H
 * @param keyValueHeads key/value heads K; H is a multiple of K
 * @param headSize D
 * @param scale factor on q·kᵀ, usually 1/√D
 * @param window a query sees at most this many latest positions, itself included; {@link
 *     Integer#MAX_VALUE} for no limit
 */
public record AttentionShape(int heads, int keyValueHeads, int headSize, float scale, int window) {

  /** Checks the sizes. */
  public AttentionShape {
    if (heads < 1
        || keyValueHeads < 1
        || heads % keyValueHeads != 0
        || headSize < 2
        || window < 1) {
      throw new IllegalArgumentException(
          "%d heads cannot share %d key/value heads of %d elements in a window of %d"
              .formatted(heads, keyValueHeads, headSize, window));
    }
  }
}
