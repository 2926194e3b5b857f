package org.sparktune.trainer.engine.cpu;

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

  /** Computes one product on all workers. */
  void multiply(GemmShape shape, long a, long b, long bias, long c) {
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
    multiply(
        shape(transposeA, left, transposeB, right, false, alpha, beta, c), left, right, null, c);
  }

  /**
   * c = alpha·aᵀ·b + beta·c for a thin c: reading wide a by rows instead of by columns is four
   * times as fast.
   */
  private void thinTransposed(Tensor a, Tensor b, float alpha, float beta, Tensor c) {
    long address = transposed.reserve(c.size() * Float.BYTES);
    Tensor turned = Tensor.at(DType.F32, address, c.columns(), c.rows());
    multiply(shape(true, b, false, a, false, alpha, 0, turned), b, a, null, turned);
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

  /** y = x·Wᵀ (+ bias) (+ y). */
  void forward(Tensor x, CpuWeight weight, Tensor bias, Tensor y, boolean accumulate) {
    Tensor left = weight.bf16() ? conversions.toBf16(x, leftBf16) : x;
    Tensor right = weight.operand();
    GemmShape shape = shape(false, left, true, right, bias != null, 1, accumulate ? 1 : 0, y);
    multiply(shape, left, right, bias, y);
  }

  private void multiply(GemmShape shape, Tensor a, Tensor b, Tensor bias, Tensor c) {
    multiply(shape, a.address(), b.address(), bias == null ? 0 : bias.address(), c.address());
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
