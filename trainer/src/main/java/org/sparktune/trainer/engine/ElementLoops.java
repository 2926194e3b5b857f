package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Plain loops behind the operators that few models need; an engine may have faster ones. */
public final class ElementLoops {
  private ElementLoops() {}

  static void scaleColumns(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    for (long row = 0; row < x.rows(); row++) {
      long from = x.rowAddress(row);
      long to = out.rowAddress(row);
      for (long column = 0; column < x.columns(); column++) {
        long offset = column * Float.BYTES;
        float value = Memory.getFloat(from + offset) * scale.getFloat(column);
        if (bias != null) {
          value += bias.getFloat(column);
        }
        Memory.putFloat(to + offset, accumulate ? Memory.getFloat(to + offset) + value : value);
      }
    }
  }

  static void columnDots(Tensor a, Tensor b, Tensor dots) {
    dots.zero();
    for (long row = 0; row < a.rows(); row++) {
      long left = a.rowAddress(row);
      long right = b.rowAddress(row);
      for (long column = 0; column < a.columns(); column++) {
        long offset = column * Float.BYTES;
        float term = Memory.getFloat(left + offset) * Memory.getFloat(right + offset);
        dots.setFloat(column, dots.getFloat(column) + term);
      }
    }
  }

  /**
   * {@link Engine#dropout} over some rows of a tensor.
   *
   * @param x {@code (rows, C)}
   * @param firstIndex the index of x's first element in the whole tensor
   * @param probability of dropping an element, in [0, 1)
   * @param out {@code (rows, C)}
   * @param accumulate whether to add to out
   */
  public static void dropout(
      Tensor x, long seed, long firstIndex, float probability, Tensor out, boolean accumulate) {
    float gain = 1 / (1 - probability);
    for (long row = 0; row < x.rows(); row++) {
      long from = x.rowAddress(row);
      long to = out.rowAddress(row);
      for (long column = 0; column < x.columns(); column++) {
        long offset = column * Float.BYTES;
        boolean kept = uniform(seed, firstIndex + row * x.columns() + column) >= probability;
        float value = kept ? Memory.getFloat(from + offset) * gain : 0;
        Memory.putFloat(to + offset, accumulate ? Memory.getFloat(to + offset) + value : value);
      }
    }
  }

  static void divide(Tensor a, Tensor b, Tensor out, boolean accumulate) {
    for (long i = 0; i < out.size(); i++) {
      float quotient = a.getFloat(i) / b.getFloat(i);
      out.setFloat(i, accumulate ? out.getFloat(i) + quotient : quotient);
    }
  }

  static void adaptedRowNorms(
      Tensor rowSquares,
      Tensor up,
      Tensor downWeight,
      Tensor downDown,
      double scale,
      Tensor norms) {
    int rank = (int) up.columns();
    for (long row = 0; row < up.rows(); row++) {
      long factors = up.rowAddress(row);
      double cross = 0;
      double square = 0;
      for (int i = 0; i < rank; i++) {
        double left = element(factors, i);
        cross += left * element(downWeight.rowAddress(i), row);
        for (int j = 0; j < rank; j++) {
          square += left * element(factors, j) * element(downDown.rowAddress(i), j);
        }
      }
      double squares = rowSquares.getFloat(row) + 2 * scale * cross + scale * scale * square;
      norms.setFloat(row, (float) Math.sqrt(squares));
    }
  }

  private static double element(long rowAddress, long column) {
    return Memory.getFloat(rowAddress + column * Float.BYTES);
  }

  static void gatherRows(Tensor x, int[] rows, Tensor out) {
    long bytes = x.columns() * x.type().bytes();
    for (int i = 0; i < rows.length; i++) {
      Memory.copy(x.rowAddress(rows[i]), out.rowAddress(i), bytes);
    }
  }

  static void scatterRows(Tensor x, int[] rows, Tensor out) {
    long bytes = x.columns() * x.type().bytes();
    for (int i = 0; i < rows.length; i++) {
      Memory.copy(x.rowAddress(i), out.rowAddress(rows[i]), bytes);
    }
  }

  static int[] greatestColumns(Tensor logits) {
    int[] greatest = new int[Math.toIntExact(logits.rows())];
    for (int row = 0; row < greatest.length; row++) {
      greatest[row] = greatestColumn(logits.rowAddress(row), logits.columns());
    }
    return greatest;
  }

  static int[] drawColumns(Tensor logits, double temperature, double[] numbers) {
    int[] drawn = new int[numbers.length];
    for (int row = 0; row < drawn.length; row++) {
      drawn[row] = drawColumn(logits.rows(row, row + 1L).toFloatArray(), temperature, numbers[row]);
    }
    return drawn;
  }

  /**
   * The first index at which the sum of softmax(logits / temperature) exceeds a number, or the last
   * one of any probability where rounding leaves none.
   *
   * @param number in [0, 1)
   */
  public static int drawColumn(float[] logits, double temperature, double number) {
    float highest = logits[0];
    for (float logit : logits) {
      highest = logit > highest ? logit : highest;
    }
    double[] weights = new double[logits.length];
    double total = 0;
    for (int column = 0; column < weights.length; column++) {
      weights[column] = Math.exp((logits[column] - highest) / temperature);
      total += weights[column];
    }
    double threshold = number * total;
    int last = 0;
    for (int column = 0; column < weights.length; column++) {
      threshold -= weights[column];
      if (threshold < 0) {
        return column;
      }
      last = weights[column] > 0 ? column : last;
    }
    return last;
  }

  /** The index of the greatest of some floats, the first of equals. */
  public static int greatestColumn(long address, long columns) {
    int best = 0;
    float greatest = Memory.getFloat(address);
    for (int column = 1; column < columns; column++) {
      float value = Memory.getFloat(address + (long) column * Float.BYTES);
      if (value > greatest) {
        best = column;
        greatest = value;
      }
    }
    return best;
  }

  /** A number in [0, 1) by the finalizer of SplitMix64 (Steele et al. 2014). */
  private static float uniform(long seed, long index) {
    long bits = seed + (index + 1) * 0x9E3779B97F4A7C15L;
    bits = (bits ^ (bits >>> 30)) * 0xBF58476D1CE4E5B9L;
    bits = (bits ^ (bits >>> 27)) * 0x94D049BB133111EBL;
    bits ^= bits >>> 31;
    return (bits >>> 40) * 0x1p-24f;
  }
}
