package org.sparktune.trainer.model;

/**
 * How the frozen matrices of the layers are held while an adapter is trained on them. Embeddings,
 * norms, biases and the head are always held in full.
 */
public sealed interface BaseStorage {
  /** In full, in the engine's precision. */
  BaseStorage FULL = new Full();

  /** In full. */
  record Full() implements BaseStorage {}

  /**
   * In NF4, made when the model is loaded (Dettmers et al. 2023).
   *
   * @param doubleQuantization whether the scales are quantized too
   */
  record Nf4(boolean doubleQuantization) implements BaseStorage {}

  /**
   * In 8-bit floating point (E4M3), made when the model is loaded; an engine that can multiplies
   * operands of 8 bits.
   */
  record EightBits() implements BaseStorage {}

  /**
   * As the blocks of a GGUF file; what the file has in full is held in full.
   *
   * @param bytesPerElement of the matrices that are in blocks, on average
   */
  record Stored(double bytesPerElement) implements BaseStorage {}
}
