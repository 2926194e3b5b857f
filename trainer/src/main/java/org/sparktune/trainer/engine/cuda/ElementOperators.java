package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/** Operators on single elements: see {@code elements.cu} and {@code columns.cu}. */
final class ElementOperators {
  private static final String FILE = "elements.cu";
  private static final int WARP = 32;

  private final TypedKernel add;
  private final TypedKernel dropout;
  private final TypedKernel scaleColumns;
  private final Kernel divide;
  private final Kernel fill;
  private final Kernel adaptedRowNorms;

  ElementOperators(KernelFinder kernels) {
    add = TypedKernel.of(kernels, FILE, "add");
    dropout = TypedKernel.of(kernels, FILE, "dropout");
    scaleColumns = TypedKernel.of(kernels, "columns.cu", "scale_columns");
    divide = kernels.get(FILE, "divide");
    fill = kernels.get(FILE, "fill");
    adaptedRowNorms = kernels.get(FILE, "adapted_row_norms");
  }

  /** See {@link org.sparktune.trainer.engine.VectorOperators#add}. */
  void add(Tensor x, Tensor y) {
    if (x.isContiguous() && y.isContiguous()) {
      // One long row, so that only what is left over of packs is added one by one.
      Tensor from = x.view(0, 1, x.size());
      Tensor to = y.view(0, 1, y.size());
      int width = Packs.of(1, 0, from, to).width();
      long packed = x.size() / width * width;
      addRows(from.columns(0, packed), to.columns(0, packed));
      addRows(from.columns(packed, x.size()), to.columns(packed, x.size()));
    } else {
      addRows(x, y);
    }
  }

  private void addRows(Tensor x, Tensor y) {
    if (x.size() == 0) {
      return;
    }
    Packs packs = Packs.of(x, y);
    add.of(Packs.type(x, y))
        .withRows(x)
        .withRows(y)
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#dropout}. */
  void dropout(Tensor x, long seed, float probability, Tensor out, boolean accumulate) {
    Packs packs = Packs.of(x, out);
    // An element is kept when its number of 24 bits, seen as a fraction, reaches the probability.
    int threshold = (int) Math.ceil(probability * 0x1p24);
    dropout
        .of(Packs.type(x, out))
        .withRows(x)
        .with(seed)
        .with(threshold)
        .with(1 / (1 - probability))
        .withRows(out)
        .with(accumulate)
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#scaleColumns}. */
  void scaleColumns(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    Packs packs = Packs.of(x, out, scale, bias);
    scaleColumns
        .of(Packs.type(x, out))
        .withRows(x)
        .with(scale)
        .with(bias)
        .withRows(out)
        .with(accumulate)
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#divide}. */
  void divide(Tensor a, Tensor b, Tensor out, boolean accumulate) {
    divide
        .with(a)
        .with(b)
        .with(out)
        .with(accumulate)
        .with(out.size())
        .launch((out.size() + Packs.THREADS - 1) / Packs.THREADS, Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.memory.TensorMemory#fill}. */
  void fill(Tensor tensor, float value) {
    Packs packs = Packs.of(tensor).single();
    fill.withRows(tensor)
        .with(value)
        .with(packs.rows())
        .with(packs.columns())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#adaptedRowNorms}. */
  void adaptedRowNorms(
      Tensor rowSquares, Tensor up, Tensor downWeight, Tensor downDown, float scale, Tensor norms) {
    int rowsOfBlock = Packs.THREADS / WARP;
    adaptedRowNorms
        .with(rowSquares)
        .withRows(up)
        .withRows(downWeight)
        .withRows(downDown)
        .with(scale)
        .with(norms)
        .with(up.rows())
        .with(Math.toIntExact(up.columns()))
        .launch((up.rows() + rowsOfBlock - 1) / rowsOfBlock, Packs.THREADS);
  }
}
