package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.memory.Tensor;

/**
 * Loops that treat every column by itself. Sums over rows are cut by columns, so that each is added
 * up by one worker in the order of the rows.
 */
final class ColumnLoops {
  /** Columns that one worker sums at a time. */
  static final int PIECE = 256;

  private final Rows rows;

  ColumnLoops(Rows rows) {
    this.rows = rows;
  }

  /** sums += the column sums of x. */
  void addSums(Tensor x, Tensor sums) {
    rows.runInPieces(
        Math.toIntExact(x.columns()),
        PIECE,
        (piece, from, to, worker) -> {
          long offset = (long) from * Float.BYTES;
          for (int row = 0; row < x.rows(); row++) {
            worker
                .kernels()
                .elements()
                .add(x.rowAddress(row) + offset, sums.address() + offset, to - from);
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#embedGradient}. */
  void addRows(Tensor x, int[] ids, Tensor table) {
    rows.runInPieces(
        Math.toIntExact(x.columns()),
        PIECE,
        (piece, from, to, worker) -> {
          long offset = (long) from * Float.BYTES;
          for (int row = 0; row < ids.length; row++) {
            worker
                .kernels()
                .elements()
                .add(x.rowAddress(row) + offset, table.rowAddress(ids[row]) + offset, to - from);
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#columnDots}. */
  void dots(Tensor a, Tensor b, Tensor dots) {
    dots.zero();
    rows.runInPieces(
        Math.toIntExact(a.columns()),
        PIECE,
        (piece, from, to, worker) -> {
          long offset = (long) from * Float.BYTES;
          long sums = dots.address() + offset;
          for (int row = 0; row < a.rows(); row++) {
            long left = a.rowAddress(row) + offset;
            long right = b.rowAddress(row) + offset;
            worker.kernels().elements().addProducts(left, right, sums, to - from);
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#scaleColumns}. */
  void scale(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    int columns = Math.toIntExact(x.columns());
    long shifts = bias == null ? 0 : bias.address();
    rows.run(
        x.rows(),
        columns,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            long target = out.rowAddress(row);
            worker
                .kernels()
                .elements()
                .scaleAndShift(
                    x.rowAddress(row), scale.address(), shifts, target, accumulate, columns);
          }
        });
  }
}
