package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;

/**
 * Cuts wide tensors into the same column blocks again and again; the blocks of the tensor seen last
 * are kept, so that a training step makes no new objects.
 */
final class Columns {
  private final int[] bounds;
  private Tensor wide;
  private Tensor[] blocks;

  /**
   * @param bounds the first column of each block, then the end of the last
   */
  Columns(int... bounds) {
    this.bounds = bounds.clone();
  }

  /** Blocks of equal width. */
  static Columns equal(int count, int width) {
    int[] bounds = new int[count + 1];
    for (int i = 0; i <= count; i++) {
      bounds[i] = i * width;
    }
    return new Columns(bounds);
  }

  /** The first column of a block. */
  int start(int block) {
    return bounds[block];
  }

  /** The blocks of a tensor. */
  Tensor[] of(Tensor tensor) {
    if (wide != tensor) {
      blocks = new Tensor[bounds.length - 1];
      for (int i = 0; i < blocks.length; i++) {
        blocks[i] = tensor.columns(bounds[i], bounds[i + 1]);
      }
      wide = tensor;
    }
    return blocks;
  }
}
