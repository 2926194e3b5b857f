package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/**
 * Matrix products of any size, cut into blocks of the result. The cut depends on the sizes alone,
 * so the bits do not depend on the number of threads; it also keeps the number of different block
 * shapes small, because the library generates code for each.
 */
final class Products implements AutoCloseable {
  private static final int ROWS = 256;
  private static final int SMALLEST_SPLIT = 64;
  private static final int WIDEST = 640;
  private static final int NARROWEST = 384;
  private static final int USUAL_WIDTH = 512;
  private static final int WIDTH_STEP = 32;

  private final Workers workers;
  private final Conversions conversions;
  private final Scratch leftBf16 = new Scratch("BF16 activations");
  private final Scratch rightBf16 = new Scratch("BF16 activations");

  Products(Workers workers, Conversions conversions) {
    this.workers = workers;
    this.conversions = conversions;
  }

  /** Computes one product on all workers. */
  void multiply(GemmShape shape, long a, long b, long bias, long c) {
    if (shape.rows() == 0 || shape.columns() == 0) {
      return;
    }
    int blocks = rowBlocks(shape.rows());
    int width = panelWidth(shape.columns());
    int panels = (shape.columns() + width - 1) / width;
    workers.run(
        blocks * panels,
        (index, worker) -> {
          int block = index % blocks;
          int row = firstRow(shape.rows(), block);
          int rows = firstRow(shape.rows(), block + 1) - row;
          int column = index / blocks * width;
          int columns = Math.min(width, shape.columns() - column);
          int bytes = shape.operandBytes();
          long left = a + bytes * (shape.transposeA() ? row : row * shape.strideA());
          long right = b + bytes * (shape.transposeB() ? column * shape.strideB() : column);
          long offset = bias == 0 ? 0 : bias + (long) column * Float.BYTES;
          long result = c + (row * shape.strideC() + column) * Float.BYTES;
          worker.gemm().multiply(shape.block(rows, columns), left, right, offset, result);
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
    Tensor left = bf16 && a.type() != DType.BF16 ? conversions.toBf16(a, leftBf16) : a;
    Tensor right = bf16 && b.type() != DType.BF16 ? conversions.toBf16(b, rightBf16) : b;
    multiply(
        shape(transposeA, left, transposeB, right, false, alpha, beta, c), left, right, null, c);
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

  /** Blocks of 256 rows, then the rest: its largest multiple of 32, then what is left of it. */
  static int rowBlocks(int rows) {
    int rest = rows % ROWS;
    int blocks = rows / ROWS;
    if (rest >= SMALLEST_SPLIT && rest % 32 != 0) {
      return blocks + 2;
    }
    return rest > 0 ? blocks + 1 : blocks;
  }

  /** The first row of a block; for the block after the last, the number of rows. */
  static int firstRow(int rows, int block) {
    int full = rows / ROWS;
    if (block <= full) {
      return block * ROWS;
    }
    int rest = rows % ROWS;
    boolean split = rest >= SMALLEST_SPLIT && rest % 32 != 0;
    return split && block == full + 1 ? full * ROWS + rest / 32 * 32 : rows;
  }

  /** A width near 512 that divides the columns if there is one. */
  static int panelWidth(int columns) {
    if (columns <= WIDEST) {
      return columns;
    }
    for (int width = WIDEST; width >= NARROWEST; width -= WIDTH_STEP) {
      if (columns % width == 0) {
        return width;
      }
    }
    return USUAL_WIDTH;
  }

  @Override
  public void close() {
    leftBf16.close();
    rightBf16.close();
  }
}
