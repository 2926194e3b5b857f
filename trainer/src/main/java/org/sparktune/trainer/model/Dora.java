package org.sparktune.trainer.model;

import java.util.List;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * The gain of weight-decomposed factors (Liu et al. 2024, section 4.3): every output is multiplied
 * by {@code m / ‖W + s·B·A‖} of its row, where the norm is a constant to the gradient. The norm is
 * expanded, {@code ‖w‖² + 2s·b·(A·w) + s²·b·(A·Aᵀ)·bᵀ}, so that W + s·B·A never exists.
 */
final class Dora {

  /**
   * One decomposed module.
   *
   * @param from its first output column in the group
   * @param factors its row of {@code ups}
   * @param rankFrom its first row of the group's A factors
   * @param magnitude {@code (out)} m
   * @param dMagnitude {@code (out)}
   */
  record Part(
      int from, ProjectionGroup.Up factors, int rankFrom, Tensor magnitude, Tensor dMagnitude) {}

  private final Engine engine;
  private final Weight weight;
  private final Tensor down;
  private final List<Part> parts;
  private final Tensor rowSquares;
  private final Tensor norms;
  private final Tensor gain;
  private final Tensor dots;
  private final Tensor downWeight;
  private final Tensor downDown;
  private final LeadingColumns linearGradient;
  private boolean current;

  /**
   * @param weight {@code (out, in)} of the whole group
   * @param rowSquares {@code (out)}: ‖w‖² of every row of the weight
   * @param down {@code (Σr, in)}
   */
  Dora(Engine engine, Weight weight, Tensor rowSquares, Tensor down, List<Part> parts) {
    this.engine = engine;
    this.weight = weight;
    this.rowSquares = rowSquares;
    this.down = down;
    this.parts = List.copyOf(parts);
    long out = weight.out();
    linearGradient = new LeadingColumns(out);
    norms = engine.allocate(DType.F32, out);
    gain = engine.allocate(DType.F32, out);
    dots = engine.allocate(DType.F32, out);
    downWeight = engine.allocate(DType.F32, down.rows(), out);
    downDown = engine.allocate(DType.F32, down.rows(), down.rows());
    engine.fill(gain, 1);
  }

  /** {@code (out)}: 1 where a module has no factors. */
  Tensor gain() {
    return gain;
  }

  /** Says that parameters changed. */
  void invalidate() {
    current = false;
  }

  /** Computes norms and gains if parameters changed. */
  void refresh() {
    if (current) {
      return;
    }
    computeNorms();
    for (Part part : parts) {
      engine.divide(part.magnitude(), of(part, norms), of(part, gain), false);
    }
    current = true;
  }

  /** Starts every magnitude at its row's norm, so that the gain is 1. */
  void initializeMagnitudes() {
    computeNorms();
    for (Part part : parts) {
      engine.copy(of(part, norms), part.magnitude());
    }
    current = false;
  }

  private void computeNorms() {
    engine.linear(down, weight, null, downWeight, false);
    engine.product(false, down, true, down, 1, 0, downDown);
    for (Part part : parts) {
      ProjectionGroup.Up factors = part.factors();
      long rank = factors.up().columns();
      long rankTo = part.rankFrom() + rank;
      engine.adaptedRowNorms(
          of(part, rowSquares),
          factors.up(),
          downWeight
              .rows(part.rankFrom(), rankTo)
              .columns(part.from(), part.from() + factors.up().rows()),
          downDown.rows(part.rankFrom(), rankTo).columns(part.rankFrom(), rankTo),
          factors.scale(),
          of(part, norms));
    }
  }

  /** A part's elements of a vector of all outputs. */
  private static Tensor of(Part part, Tensor outputs) {
    return outputs.view(part.from(), part.magnitude().size());
  }

  /**
   * Adds to the magnitudes' gradients.
   *
   * @param dy {@code (N, out)}
   * @param linear {@code (N, out)}: the output before the gain and the bias
   * @param dLinear receives the gradient before the gain
   * @return {@code (N, out)} of dLinear's memory
   */
  Tensor backward(Tensor dy, Tensor linear, Tensor dLinear) {
    engine.columnDots(dy, linear, dots);
    for (Part part : parts) {
      engine.divide(of(part, dots), of(part, norms), part.dMagnitude(), true);
    }
    Tensor d = linearGradient.of(dLinear);
    engine.scaleColumns(dy, gain, null, d, false);
    return d;
  }
}
