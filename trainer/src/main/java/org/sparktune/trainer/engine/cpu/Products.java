package org.sparktune.trainer.engine.cpu;

import java.util.List;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.memory.Arena;
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
  private final Scratch decoded = new Scratch("a matrix in few bits");

  Products(Workers workers, Rows rows, Conversions conversions) {
    this.workers = workers;
    this.rows = rows;
    this.conversions = conversions;
  }

  /** What is done with a block of the result while it is still in the cache. */
  interface AfterBlock {
    void run(BlockGrid grid, int index, Worker worker);
  }

  private static final AfterBlock NOTHING = (grid, index, worker) -> {};

  /** Where the second operand of a block lies. */
  private interface RightOperand {
    long address(int column);
  }

  /** Computes one product on all workers; returns how it was cut. */
  private BlockGrid multiply(GemmShape shape, long a, long b, long bias, long c, AfterBlock after) {
    BlockGrid grid = BlockGrid.of(shape.rows(), shape.columns(), shape.inner());
    long step = shape.operandBytes() * (shape.transposeB() ? shape.strideB() : 1);
    multiply(shape, grid, a, column -> b + column * step, bias, c, after);
    return grid;
  }

  private void multiply(
      GemmShape shape,
      BlockGrid grid,
      long a,
      RightOperand b,
      long bias,
      long c,
      AfterBlock after) {
    if (shape.rows() == 0 || shape.columns() == 0) {
      return;
    }
    workers.run(
        grid.count(),
        (index, worker) -> {
          int row = grid.row(index);
          int column = grid.column(index);
          int bytes = shape.operandBytes();
          long left = a + bytes * (shape.transposeA() ? row : row * shape.strideA());
          long offset = bias == 0 ? 0 : bias + (long) column * Float.BYTES;
          long result = c + (row * shape.strideC() + column) * Float.BYTES;
          GemmShape block = shape.block(grid.rows(index), grid.columns(index));
          worker.gemm().multiply(block, left, b.address(column), offset, result);
          after.run(grid, index, worker);
        });
  }

  /** op(matrix) in the library's own layout, in memory of an arena. */
  PackedMatrix pack(boolean transpose, Tensor matrix, Arena arena) {
    int inner = Math.toIntExact(transpose ? matrix.columns() : matrix.rows());
    int columns = Math.toIntExact(transpose ? matrix.rows() : matrix.columns());
    boolean bf16 = matrix.type() == DType.BF16;
    int width = PackedMatrix.panelWidth(columns);
    BlockGrid grid = new BlockGrid(1, columns, 1, width);
    Tensor[] panels = new Tensor[grid.count()];
    long stride = matrix.rowStride();
    workers.run(
        panels.length,
        (index, worker) -> {
          int column = grid.column(index);
          int count = grid.columns(index);
          long bytes = worker.gemm().packedBytes(inner, count, bf16);
          panels[index] = arena.allocate(DType.I8, bytes);
          GemmShape plain =
              new GemmShape(
                  1, count, inner, false, inner, transpose, stride, false, count, bf16, false, 1,
                  0);
          long offset = (long) column * matrix.type().bytes() * (transpose ? stride : 1);
          worker.gemm().pack(plain, matrix.address() + offset, panels[index].address());
        });
    return new PackedMatrix(inner, columns, bf16, width, List.of(panels));
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
    Tensor left = bf16 ? conversions.toBf16(a, leftBf16) : a;
    Tensor right = bf16 ? conversions.toBf16(b, rightBf16) : b;
    if (transposeA && !transposeB && c.columns() <= THIN && c.rows() > 2 * THIN) {
      thinTransposed(left, right, alpha, beta, c);
      return;
    }
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
    AfterBlock after =
        added.isEmpty()
            ? NOTHING
            : (grid, index, worker) -> {
              for (LowRank factor : added) {
                add(factor, grid, index, y, worker.gemm());
              }
            };
    forward(x, weight, bias, y, accumulate, after);
  }

  /**
   * y = x·Wᵀ (+ bias) (+ y), and something done with every block of it.
   *
   * @return how y was cut
   */
  BlockGrid forward(
      Tensor x, CpuWeight weight, Tensor bias, Tensor y, boolean accumulate, AfterBlock after) {
    Tensor left = weight.bf16() ? conversions.toBf16(x, leftBf16) : x;
    float beta = accumulate ? 1 : 0;
    if (weight instanceof PackedWeight packed) {
      return multiply(left, packed.forward(), bias, beta, y, after);
    } else {
      Tensor right = asItLies(weight);
      GemmShape shape = shape(false, left, true, right, bias != null, 1, beta, y);
      long offset = bias == null ? 0 : bias.address();
      return multiply(shape, left.address(), right.address(), offset, y.address(), after);
    }
  }

  /** dx = dy·W (+ dx). */
  void inputGradient(Tensor dy, CpuWeight weight, Tensor dx, boolean accumulate) {
    float beta = accumulate ? 1 : 0;
    if (weight instanceof PackedWeight packed) {
      Tensor left = weight.bf16() ? conversions.toBf16(dy, leftBf16) : dy;
      multiply(left, packed.backward(), null, beta, dx, NOTHING);
    } else {
      Tensor matrix = asItLies(weight);
      multiply(false, dy, false, matrix, weight.bf16(), 1, beta, dx);
    }
  }

  /** A matrix that is not packed, decoded if it is in few bits. */
  private Tensor asItLies(CpuWeight weight) {
    if (!(weight instanceof QuantizedWeight quantized)) {
      return ((PlainWeight) weight).operand();
    }
    DType type = weight.bf16() ? DType.BF16 : DType.F32;
    long address = decoded.reserve(weight.out() * weight.in() * type.bytes());
    Tensor matrix = Tensor.at(type, address, weight.out(), weight.in());
    rows.run(
        weight.out(),
        weight.in(),
        (from, to, worker) -> quantized.matrix().decode(from, matrix.rows(from, to)));
    return matrix;
  }

  private BlockGrid multiply(
      Tensor left, PackedMatrix right, Tensor bias, float beta, Tensor y, AfterBlock after) {
    requireSame("inner size", left.columns(), right.inner());
    requireSame("rows", y.rows(), left.rows());
    requireSame("columns", y.columns(), right.columns());
    int rows = Math.toIntExact(y.rows());
    GemmShape shape =
        new GemmShape(
            rows,
            right.columns(),
            right.inner(),
            false,
            left.rowStride(),
            false,
            0,
            true,
            y.rowStride(),
            right.bf16(),
            bias != null,
            1,
            beta);
    BlockGrid grid = BlockGrid.ofPanels(rows, right);
    long offset = bias == null ? 0 : bias.address();
    multiply(shape, grid, left.address(), right::address, offset, y.address(), after);
    return grid;
  }

  /** Adds to the columns that a thin product and a block of the result have in common. */
  private static void add(LowRank factor, BlockGrid grid, int index, Tensor y, Gemm gemm) {
    long column = grid.column(index);
    long first = Math.max(column, factor.firstColumn());
    long last = Math.min(column + grid.columns(index), factor.firstColumn() + factor.up().rows());
    if (first >= last) {
      return;
    }
    long row = grid.row(index);
    long end = row + grid.rows(index);
    Tensor reduced = factor.reduced().rows(row, end);
    Tensor up = factor.up().rows(first - factor.firstColumn(), last - factor.firstColumn());
    Tensor block = y.rows(row, end).columns(first, last);
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
        false,
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
    decoded.close();
  }
}
