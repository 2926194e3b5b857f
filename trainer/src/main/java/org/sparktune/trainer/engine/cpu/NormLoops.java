package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.cpu.vector.NormKernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/** Root-mean-square norms and their gradients, row by row on the workers. */
final class NormLoops implements AutoCloseable {
  /** Rows whose share of a weight's gradient is summed by itself. */
  static final int GRADIENT_ROWS = 64;

  private final Rows rows;
  private final ColumnLoops columnLoops;
  private final Scratch partialSums = new Scratch("norm gradients");

  NormLoops(Rows rows, ColumnLoops columnLoops) {
    this.rows = rows;
    this.columnLoops = columnLoops;
  }

  /** See {@link org.sparktune.trainer.engine.Engine#rmsNorm}. */
  void normalize(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    int columns = Math.toIntExact(x.columns());
    rows.run(
        x.rows(),
        columns,
        (from, to, worker) -> {
          NormKernels norms = worker.kernels().norms();
          for (int row = from; row < to; row++) {
            float inverse =
                norms.normalize(
                    x.rowAddress(row), weight.address(), eps, out.rowAddress(row), columns);
            inverseRms.setFloat(row, inverse);
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#rmsNormGradient}. */
  void gradient(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      Tensor dx,
      boolean accumulate,
      Tensor dWeight) {
    int columns = Math.toIntExact(x.columns());
    if (dWeight != null) {
      addWeightGradient(dOut, x, inverseRms, dWeight);
    }
    rows.run(
        x.rows(),
        columns,
        (from, to, worker) -> {
          NormKernels norms = worker.kernels().norms();
          for (int row = from; row < to; row++) {
            norms.gradient(
                dOut.rowAddress(row),
                x.rowAddress(row),
                weight.address(),
                inverseRms.getFloat(row),
                dx.rowAddress(row),
                accumulate,
                columns);
          }
        });
  }

  /** Sums pieces of a fixed number of rows, then adds the pieces in order. */
  private void addWeightGradient(Tensor dOut, Tensor x, Tensor inverseRms, Tensor dWeight) {
    int columns = Math.toIntExact(x.columns());
    int count = Math.toIntExact(x.rows());
    int pieces = (count + GRADIENT_ROWS - 1) / GRADIENT_ROWS;
    long bytes = (long) columns * Float.BYTES;
    long partials = partialSums.reserve(pieces * bytes);
    rows.runInPieces(
        count,
        GRADIENT_ROWS,
        (piece, from, to, worker) -> {
          long partial = partials + piece * bytes;
          Memory.fill(partial, bytes, (byte) 0);
          for (int row = from; row < to; row++) {
            worker
                .kernels()
                .norms()
                .weightGradient(
                    dOut.rowAddress(row),
                    x.rowAddress(row),
                    inverseRms.getFloat(row),
                    partial,
                    columns);
          }
        });
    columnLoops.addSums(Tensor.at(DType.F32, partials, pieces, columns), dWeight);
  }

  @Override
  public void close() {
    partialSums.close();
  }
}
