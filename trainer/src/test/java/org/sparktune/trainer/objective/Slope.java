package org.sparktune.trainer.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.function.DoubleUnaryOperator;

/** A derivative beside the central difference of the function. */
public final class Slope {
  private static final double STEP = 1e-5;

  private Slope() {}

  /** Requires a derivative to agree with the function around a point. */
  public static void require(
      DoubleUnaryOperator function, double at, double derivative, String what) {
    double difference = function.applyAsDouble(at + STEP) - function.applyAsDouble(at - STEP);
    double slope = difference / (2 * STEP);
    assertEquals(slope, derivative, 1e-6 * Math.max(1, Math.abs(slope)), what);
  }
}
