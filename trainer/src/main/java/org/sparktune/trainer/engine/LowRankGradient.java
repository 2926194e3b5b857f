package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;

/**
 * Where the gradients of a thin product go.
 *
 * @param factor the product
 * @param dUp {@code (columns, r)} F32: the gradient of B, accumulates
 * @param dReduced {@code (N, r)}: the gradient of t
 */
public record LowRankGradient(LowRank factor, Tensor dUp, Tensor dReduced) {}
