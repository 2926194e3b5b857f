package org.sparktune.trainer.modelfile.blocks;

/** Decodes one block of a quantized type. */
@FunctionalInterface
interface BlockDecoder {

  /**
   * Decodes a block.
   *
   * @param block the address of the block
   * @param out where the block's elements go
   * @param at the index of the first of them
   */
  void decode(long block, float[] out, int at);
}
