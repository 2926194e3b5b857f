package org.sparktune.trainer.engine.cuda;

import java.util.List;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRanks;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Lays thin factors down behind the operands of a product, which then adds them at the price of a
 * slightly longer inner dimension: {@code [x, t]·[W, s·B]ᵀ} and {@code [dy, d]·[W; A]}. A product
 * of their own would read and write the whole result once more.
 */
final class Factors {
  /** Columns, or rows, behind an operand's own. */
  static final int EXTENSION = 64;

  private static final String FILE = "factors.cu";
  private static final int MOST_FACTORS = 4;
  private static final int THREADS = 256;

  /** Operands are read in packs of so many elements. */
  private static final int PACK = 8;

  /** Rows up to which launches cost more than the work of {@code reduce_and_extend}. */
  private static final int FEW_ROWS = 256;

  /** Blocks of {@code reduce_and_extend} that make what lies behind one row. */
  private static final int BLOCKS_PER_ROW = EXTENSION / 8;

  private final Kernel extendRows;
  private final Kernel extendWeightColumns;
  private final Kernel extendWeightRows;
  private final Kernel reduceAndExtend;

  Factors(Kernels kernels) {
    extendRows = kernels.get(FILE, "extend_rows");
    extendWeightColumns = kernels.get(FILE, "extend_weight_columns");
    extendWeightRows = kernels.get(FILE, "extend_weight_rows");
    reduceAndExtend = kernels.get(FILE, "reduce_and_extend");
  }

  /** How wide rows of so many columns are to lie apart; see {@link CudaFootprint}. */
  static long extendedColumns(long columns, int rank) {
    return fits(rank) && columns % PACK == 0 ? columns + EXTENSION : columns;
  }

  private static boolean fits(long rank) {
    return rank > 0 && rank <= EXTENSION;
  }

  /** Whether a product with factors can be made at once. */
  boolean canExtend(Tensor x, CudaWeight weight, List<LowRank> added) {
    long rank = 0;
    for (LowRank factor : added) {
      if (factor.reduced().type() != DType.BF16) {
        return false;
      }
      rank += factor.reduced().columns();
    }
    return added.size() <= MOST_FACTORS && canExtend(x, weight, rank);
  }

  /** Whether an input's gradient with factors can be made at once. */
  boolean canExtend(Tensor dy, CudaWeight weight, Tensor dReduced) {
    return dReduced.type() == DType.BF16 && canExtend(dy, weight, dReduced.columns());
  }

  private static boolean canExtend(Tensor operand, CudaWeight weight, long rank) {
    return weight.extended() != null
        && operand.type() == DType.BF16
        && fits(rank)
        && operand.rowStride() == operand.columns() + EXTENSION;
  }

  /** {@code [x, t]}: {@code (N, in + 64)}. */
  Tensor inputs(Tensor x, List<LowRank> added) {
    Kernel kernel = behind(x);
    for (int i = 0; i < MOST_FACTORS; i++) {
      Tensor reduced = i < added.size() ? added.get(i).reduced() : null;
      with(kernel, reduced);
    }
    return launched(kernel, x);
  }

  /** {@code [dy, d]}: {@code (N, out + 64)}. */
  Tensor gradients(Tensor dy, Tensor dReduced) {
    Kernel kernel = behind(dy);
    with(kernel, dReduced);
    for (int i = 1; i < MOST_FACTORS; i++) {
      with(kernel, null);
    }
    return launched(kernel, dy);
  }

  private Kernel behind(Tensor x) {
    return extendRows
        .with(x.deviceAddress() + x.columns() * x.type().bytes())
        .with(x.rowStride())
        .with(Math.toIntExact(x.rows()));
  }

  private static void with(Kernel kernel, Tensor part) {
    kernel
        .with(part)
        .with(part == null ? 0L : part.rowStride())
        .with(part == null ? 0 : Math.toIntExact(part.columns()));
  }

  private static Tensor launched(Kernel kernel, Tensor x) {
    kernel.launch(blocks(x.rows() * EXTENSION), THREADS);
    return extended(x);
  }

  private static Tensor extended(Tensor x) {
    return Tensor.onDevice(
        x.type(), x.deviceAddress(), x.rowStride(), x.rows(), x.columns() + EXTENSION);
  }

  /** Whether {@link #reduceAndExtend} can be used, and is worth while. */
  boolean canReduce(Tensor x, CudaWeight weight, LowRanks thin) {
    Tensor down = thin.down();
    long rank = 0;
    for (LowRank factor : thin.added()) {
      rank += factor.reduced().columns();
    }
    return x.rows() <= FEW_ROWS
        && rank == thin.reduced().columns()
        && down.type() == DType.F32
        && down.rowStride() % PACK == 0
        && x.columns() % PACK == 0
        && Packs.areAligned(x, down)
        && canExtend(x, weight, thin.added());
  }

  /**
   * Makes t = x·Aᵀ and both operands of the product with factors: {@code [x, t]}, which it returns,
   * and {@code [W, s·B]}, which {@link #withColumns} returns.
   */
  Tensor reduceAndExtend(Tensor x, CudaWeight weight, LowRanks thin) {
    long reducingBlocks = x.rows() * BLOCKS_PER_ROW;
    Tensor whole = withColumns(weight);
    reduceAndExtend
        .withRows(x)
        .with(Math.toIntExact(x.columns()))
        .withRows(thin.down())
        .with(Math.toIntExact(thin.down().rows()))
        .withRows(thin.reduced())
        .with(Math.toIntExact(reducingBlocks));
    withColumns(reduceAndExtend, weight, whole, thin.added());
    reduceAndExtend.launch(reducingBlocks + blocks(whole.rows() * EXTENSION), THREADS);
    return extended(x);
  }

  /** {@code (out, in + 64)}: a weight and the room behind its rows. */
  Tensor withColumns(CudaWeight weight) {
    return weight.extended().rows(0, weight.out());
  }

  /** {@code [W, s·B]}: {@code (out, in + 64)}. */
  Tensor weightColumns(CudaWeight weight, List<LowRank> added) {
    Tensor whole = withColumns(weight);
    withColumns(extendWeightColumns, weight, whole, added);
    extendWeightColumns.launch(blocks(whole.rows() * EXTENSION), THREADS);
    return whole;
  }

  private static void withColumns(
      Kernel kernel, CudaWeight weight, Tensor whole, List<LowRank> added) {
    kernel
        .with(whole.deviceAddress() + weight.in() * whole.type().bytes())
        .with(whole.rowStride())
        .with(Math.toIntExact(whole.rows()));
    for (int i = 0; i < MOST_FACTORS; i++) {
      LowRank factor = i < added.size() ? added.get(i) : null;
      Tensor up = factor == null ? null : factor.up();
      with(kernel, up);
      kernel
          .with(factor == null ? 0 : factor.firstColumn())
          .with(up == null ? 0 : Math.toIntExact(up.rows()))
          .with(factor == null ? 0f : factor.scale());
    }
  }

  /** {@code [W; A]}: {@code (out + 64, in)}. */
  Tensor weightRows(CudaWeight weight, Tensor down) {
    Tensor whole = weight.extended().columns(0, weight.in());
    extendWeightRows
        .with(whole.deviceAddress() + weight.out() * whole.rowStride() * whole.type().bytes())
        .with(whole.rowStride())
        .with(Math.toIntExact(whole.columns()))
        .withRows(down)
        .with(Math.toIntExact(down.rows()))
        .launch(blocks(EXTENSION * whole.columns()), THREADS);
    return whole;
  }

  private static long blocks(long elements) {
    return (elements + THREADS - 1) / THREADS;
  }
}
