package org.sparktune.pipeline.spec;

/**
 * How the layers' frozen matrices are held while a model is used or an adapter is trained on it.
 */
public enum Quantization {
  /** In full. */
  NONE,
  /** {@link #STORED} for a base whose file has blocks of few bits, {@link #NF4_DOUBLE} else. */
  AUTO,
  /** In 4-bit NormalFloat blocks of 64. */
  NF4,
  /** The same with 8-bit scales: 4.13 bits a weight. */
  NF4_DOUBLE,
  /** In 8-bit floating point (E4M3), in which GPUs that can also multiply. */
  FP8,
  /** As the blocks of the base's GGUF file. */
  STORED
}
