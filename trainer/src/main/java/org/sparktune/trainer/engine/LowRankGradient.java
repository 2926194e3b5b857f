package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;

/**
 * Where the gradients of a thin product go.
 *
 * @param factor the product
 * @param dUp {@code (columns, r)} F32: the gradient of B, accumulates
 * @param dReduced {@code (N, r)}: the gradient of t
 */
public record LowRankGradient(LowRank factor, Tensor dUp, Tensor dReduced) {
  void add(Engine engine, Tensor dy) {
    Tensor own = factor.columns(dy);
    engine.product(true, own, false, factor.reduced(), factor.scale(), 1, dUp);
    engine.product(false, own, false, factor.up(), factor.scale(), 0, dReduced);
  }
}
