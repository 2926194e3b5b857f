package org.sparktune.trainer.engine.cpu;

import java.util.List;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/**
 * Matrix products of any size, cut into blocks of the result. The cut depends on the sizes alone,
 * so the bits do not depend on the number of threads; it also keeps the number of different block
 * shapes small, because the library generates code for each.
 */
final class Products implements AutoCloseable {
  /** Up to so many columns, aᵀ·b is computed as (bᵀ·a)ᵀ. */
  private static final int THIN = 64;

  private final Workers workers;
  private final Rows rows;
  private final Conversions conversions;
  private final Scratch leftBf16 = new Scratch("BF16 activations");
  private final Scratch rightBf16 = new Scratch("BF16 activations");
  private final Scratch transposed = new Scratch("a thin product");

  Products(Workers workers, Rows rows, Conversions conversions) {
    this.workers = workers;
    this.rows = rows;
    this.conversions = conversions;
  }

  /** What is done with a block of the result while it is still in the cache. */
  private interface AfterBlock {
    void run(int row, int rows, int column, int columns, Gemm gemm);
  }

  private static final AfterBlock NOTHING = (row, rows, column, columns, gemm) -> {};

  /** Computes one product on all workers. */
  private void multiply(GemmShape shape, long a, long b, long bias, long c, AfterBlock after) {
    if (shape.rows() == 0 || shape.columns() == 0) {
      return;
    }
    BlockGrid grid = BlockGrid.of(shape.rows(), shape.columns(), shape.inner());
    workers.run(
        grid.count(),
        (index, worker) -> {
          int row = grid.row(index);
          int column = grid.column(index);
          int bytes = shape.operandBytes();
          long left = a + bytes * (shape.transposeA() ? row : row * shape.strideA());
          long right = b + bytes * (shape.transposeB() ? column * shape.strideB() : column);
          long offset = bias == 0 ? 0 : bias + (long) column * Float.BYTES;
          long result = c + (row * shape.strideC() + column) * Float.BYTES;
          GemmShape block = shape.block(grid.rows(index), grid.columns(index));
          worker.gemm().multiply(block, left, right, offset, result);
          after.run(row, block.rows(), column, block.columns(), worker.gemm());
        });
  }

  /** c = alpha·op(a)·op(b) + beta·c over F32 tensors; BF16 operands on request. */
  void multiply(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      boolean bf16,
      float alpha,
      float beta,
      Tensor c) {
    if (transposeA && !transposeB && !bf16 && c.columns() <= THIN && c.rows() > 2 * THIN) {
      thinTransposed(a, b, alpha, beta, c);
      return;
    }
    Tensor left = bf16 && a.type() != DType.BF16 ? conversions.toBf16(a, leftBf16) : a;
    Tensor right = bf16 && b.type() != DType.BF16 ? conversions.toBf16(b, rightBf16) : b;
    multiply(shape(transposeA, left, transposeB, right, false, alpha, beta, c), left, right, c);
  }

  /**
   * c = alpha·aᵀ·b + beta·c for a thin c: reading wide a by rows instead of by columns is four
   * times as fast.
   */
  private void thinTransposed(Tensor a, Tensor b, float alpha, float beta, Tensor c) {
    long address = transposed.reserve(c.size() * Float.BYTES);
    Tensor turned = Tensor.at(DType.F32, address, c.columns(), c.rows());
    multiply(shape(true, b, false, a, false, alpha, 0, turned), b, a, turned);
    long step = turned.rowStride() * Float.BYTES;
    rows.run(
        c.rows(),
        c.columns(),
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            long source = address + (long) row * Float.BYTES;
            long target = c.rowAddress(row);
            for (int column = 0; column < c.columns(); column++) {
              long at = target + (long) column * Float.BYTES;
              float before = beta == 0 ? 0 : beta * Memory.getFloat(at);
              Memory.putFloat(at, before + Memory.getFloat(source + column * step));
            }
          }
        });
  }

  /** y = x·Wᵀ (+ bias) (+ y) + Σ s·t·Bᵀ. */
  void forward(
      Tensor x, CpuWeight weight, Tensor bias, Tensor y, boolean accumulate, List<LowRank> added) {
    Tensor left = weight.bf16() ? conversions.toBf16(x, leftBf16) : x;
    Tensor right = weight.operand();
    GemmShape shape = shape(false, left, true, right, bias != null, 1, accumulate ? 1 : 0, y);
    AfterBlock after =
        added.isEmpty()
            ? NOTHING
            : (row, rows, column, columns, gemm) -> {
              for (LowRank factor : added) {
                add(factor, row, rows, column, columns, y, gemm);
              }
            };
    long offset = bias == null ? 0 : bias.address();
    multiply(shape, left.address(), right.address(), offset, y.address(), after);
  }

  /** Adds to the columns that a thin product and a block of the result have in common. */
  private static void add(
      LowRank factor, int row, int rows, int column, int columns, Tensor y, Gemm gemm) {
    long first = Math.max(column, factor.firstColumn());
    long last = Math.min(column + columns, factor.firstColumn() + factor.up().rows());
    if (first >= last) {
      return;
    }
    Tensor reduced = factor.reduced().rows(row, row + rows);
    Tensor up = factor.up().rows(first - factor.firstColumn(), last - factor.firstColumn());
    Tensor block = y.rows(row, row + rows).columns(first, last);
    GemmShape shape = shape(false, reduced, true, up, false, factor.scale(), 1, block);
    gemm.multiply(shape, reduced.address(), up.address(), 0, block.address());
  }

  private void multiply(GemmShape shape, Tensor a, Tensor b, Tensor c) {
    multiply(shape, a.address(), b.address(), 0, c.address(), NOTHING);
  }

  private static GemmShape shape(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      boolean bias,
      float alpha,
      float beta,
      Tensor c) {
    long inner = transposeA ? a.rows() : a.columns();
    requireSame("inner size", inner, transposeB ? b.columns() : b.rows());
    requireSame("rows", c.rows(), transposeA ? a.columns() : a.rows());
    requireSame("columns", c.columns(), transposeB ? b.rows() : b.columns());
    return new GemmShape(
        Math.toIntExact(c.rows()),
        Math.toIntExact(c.columns()),
        Math.toIntExact(inner),
        transposeA,
        a.rowStride(),
        transposeB,
        b.rowStride(),
        c.rowStride(),
        a.type() == DType.BF16,
        bias,
        alpha,
        beta);
  }

  private static void requireSame(String what, long expected, long actual) {
    if (expected != actual) {
      throw new IllegalArgumentException(
          "The %s of a product's operands are %d and %d".formatted(what, expected, actual));
    }
  }

  @Override
  public void close() {
    leftBf16.close();
    rightBf16.close();
    transposed.close();
  }
}
