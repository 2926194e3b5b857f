package org.sparktune.trainer.modelfile.blocks;

/** Encodes one block of a quantized type. */
@FunctionalInterface
interface BlockEncoder {

  /**
   * Encodes a block.
   *
   * @param values where the block's elements are
   * @param from the index of the first of them
   * @param block the address the block is written to
   */
  void encode(float[] values, int from, long block);
}
