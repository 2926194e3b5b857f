package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/**
 * Sums over rows, for every column by itself: of pieces of {@value #PIECE_ROWS} rows, then of the
 * pieces, in an order that depends on the shape alone (see {@code columns.cu}).
 */
final class ColumnSums implements AutoCloseable {
  private static final String FILE = "columns.cu";
  private static final int PIECE_ROWS = 64;
  private static final int THREADS = 256;

  /** Packs of columns that a block sums, and columns of which it adds pieces. */
  private static final int WARP = 32;

  private final DeviceScratch partials;
  private final TypedKernel sumColumns;
  private final TypedKernel sumProducts;
  private final TypedKernel sumScaledProducts;
  private final Kernel addPieces;

  ColumnSums(Device device, KernelFinder kernels) {
    partials = new DeviceScratch(device, "sums of pieces of columns");
    sumColumns = TypedKernel.of(kernels, FILE, "sum_columns");
    sumProducts = TypedKernel.of(kernels, FILE, "sum_products");
    sumScaledProducts = TypedKernel.of(kernels, FILE, "sum_scaled_products");
    addPieces = kernels.get(FILE, "add_pieces");
  }

  /**
   * sums += Σ a[n].
   *
   * @param a {@code (N, C)}
   * @param sums {@code (C)} F32
   */
  void addColumns(Tensor a, Tensor sums) {
    Packs packs = Packs.of(a);
    sum(sumColumns.of(a.type()).withRows(a), packs, sums, true);
  }

  /**
   * sums = Σ a[n] · b[n].
   *
   * @param a {@code (N, C)}
   * @param b {@code (N, C)}
   * @param sums {@code (C)} F32
   */
  void products(Tensor a, Tensor b, Tensor sums) {
    Packs packs = Packs.of(a, b);
    Kernel kernel = sumProducts.of(Packs.type(a, b)).withRows(a).withRows(b);
    sum(kernel, packs, sums, false);
  }

  /**
   * sums += Σ a[n] · b[n] · scales[n].
   *
   * @param a {@code (N, C)}
   * @param b {@code (N, C)}
   * @param scales {@code (N)} F32
   * @param sums {@code (C)} F32
   */
  void addScaledProducts(Tensor a, Tensor b, Tensor scales, Tensor sums) {
    Packs packs = Packs.of(a, b);
    Kernel kernel = sumScaledProducts.of(Packs.type(a, b)).withRows(a).withRows(b).with(scales);
    sum(kernel, packs, sums, true);
  }

  private void sum(Kernel kernel, Packs packs, Tensor sums, boolean accumulate) {
    int columns = Math.toIntExact(packs.columns());
    long pieces = (packs.rows() + PIECE_ROWS - 1) / PIECE_ROWS;
    long memory = partials.reserve(Math.max(1, pieces * columns) * Float.BYTES);
    kernel
        .with(packs.rows())
        .with(columns)
        .with(memory)
        .with(packs.wide())
        .launch(pieces, (packs.perRow() + WARP - 1) / WARP, 1, THREADS, 0);
    addPieces
        .with(memory)
        .with(Math.toIntExact(pieces))
        .with(columns)
        .with(sums)
        .with(accumulate)
        .launch((columns + WARP - 1) / WARP, THREADS);
  }

  @Override
  public void close() {
    partials.close();
  }
}
