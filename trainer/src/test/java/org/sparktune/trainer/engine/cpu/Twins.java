package org.sparktune.trainer.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** A fast engine, its plain twin, and tensors filled alike for both. */
final class Twins implements AutoCloseable {
  final Engine fast;
  final PlainEngine plain = new PlainEngine();
  private final Random random;

  Twins(Precision precision, int threads, long seed) {
    fast = CpuEngines.open(precision, threads);
    random = new Random(seed);
  }

  /**
   * How far results of this precision may lie from the twin's, relative to the largest (at least
   * 1).
   */
  static double tolerance(Precision precision) {
    return switch (precision) {
      case F32 -> 2e-6;
      case BF16 -> 1.2e-2;
    };
  }

  /** Normally distributed numbers as a block of columns of a wider tensor. */
  Tensor random(long rows, long columns, long stride) {
    Tensor wide = plain.allocate(DType.F32, rows, stride);
    for (long i = 0; i < wide.size(); i++) {
      wide.setFloat(i, (float) random.nextGaussian());
    }
    return stride == columns ? wide : wide.columns(stride - columns, stride);
  }

  Tensor random(long rows, long columns) {
    return random(rows, columns, columns);
  }

  /** The same as BF16. */
  Tensor roundedRandom(long rows, long columns) {
    Tensor exact = random(rows, columns);
    Tensor rounded = plain.allocate(DType.BF16, rows, columns);
    for (long i = 0; i < exact.size(); i++) {
      int bits = Float.floatToRawIntBits(exact.getFloat(i));
      Memory.putShort(rounded.address() + i * Short.BYTES, (short) (bits >>> 16));
    }
    return rounded;
  }

  /** A contiguous BF16 tensor as F32. */
  Tensor widened(Tensor rounded) {
    Tensor wide = plain.allocate(DType.F32, rounded.rows(), rounded.columns());
    for (long i = 0; i < wide.size(); i++) {
      int bits = Memory.getShort(rounded.address() + i * Short.BYTES) << 16;
      wide.setFloat(i, Float.intBitsToFloat(bits));
    }
    return wide;
  }

  /** A contiguous vector. */
  Tensor vector(long length) {
    return random(1, length).reshape(length);
  }

  /** A tensor of the same place and size whose memory holds the same numbers. */
  Tensor copy(Tensor tensor) {
    Tensor copy = plain.allocate(DType.F32, tensor.rows(), tensor.columns());
    for (long row = 0; row < tensor.rows(); row++) {
      Memory.copy(tensor.rowAddress(row), copy.rowAddress(row), tensor.columns() * Float.BYTES);
    }
    return copy;
  }

  /** Asserts that every element is within a tolerance of the largest expected one. */
  static void assertClose(String what, Tensor expected, Tensor actual, double tolerance) {
    double largest = 0;
    double worst = 0;
    long worstRow = -1;
    for (long row = 0; row < expected.rows(); row++) {
      for (long column = 0; column < expected.columns(); column++) {
        double e = Memory.getFloat(expected.rowAddress(row) + column * Float.BYTES);
        double a = Memory.getFloat(actual.rowAddress(row) + column * Float.BYTES);
        largest = Math.max(largest, Math.abs(e));
        double error = Math.abs(e - a);
        if (!(error <= worst)) {
          worst = error;
          worstRow = row;
        }
      }
    }
    double limit = tolerance * Math.max(largest, 1);
    assertTrue(
        worst <= limit,
        "%s: row %d is off by %g, more than %g (largest %g)"
            .formatted(what, worstRow, worst, limit, largest));
  }

  @Override
  public void close() {
    fast.close();
    plain.close();
  }
}
