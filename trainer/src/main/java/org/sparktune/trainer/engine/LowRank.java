package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;

/**
 * A thin product {@code scale·t·Bᵀ} to be added to some columns of a linear operator's result.
 *
 * @param reduced t {@code (N, r)} F32
 * @param up B {@code (columns, r)} F32
 * @param scale s
 * @param firstColumn the first column of the result that it is added to
 */
public record LowRank(Tensor reduced, Tensor up, float scale, int firstColumn) {}
