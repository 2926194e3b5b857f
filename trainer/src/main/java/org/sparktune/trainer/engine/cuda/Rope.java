package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/** Rotary position embedding: see {@code rope.cu}. */
final class Rope {
  private final DeviceIndexes indexes;
  private final TypedKernel rope;

  Rope(KernelFinder kernels, DeviceIndexes indexes) {
    this.indexes = indexes;
    rope = TypedKernel.of(kernels, "rope.cu", "rope");
  }

  /** See {@link org.sparktune.trainer.engine.Engine#rope}. */
  void rotate(Tensor x, Tensor cos, Tensor sin, int[] positions, int headSize, boolean inverse) {
    long heads = x.columns() / headSize;
    int half = headSize / 2;
    // Packs lie within halves of heads, both of which begin at a multiple of their size.
    Packs halves = Packs.of(x.rows() * heads, half, x, cos, sin);
    Packs packs = new Packs(x.rows(), heads * half, halves.width());
    rope.of(x.type())
        .withRows(x)
        .withRows(cos)
        .withRows(sin)
        .with(indexes.of(positions))
        .with(x.rows())
        .with(heads)
        .with(headSize)
        .with(inverse ? -1f : 1f)
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }
}
