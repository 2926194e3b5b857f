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
public record LowRank(Tensor reduced, Tensor up, float scale, int firstColumn) {
  void add(Engine engine, Tensor y) {
    engine.product(false, reduced, true, up, scale, 1, columns(y));
  }

  /** The columns of a result that it is added to. */
  Tensor columns(Tensor result) {
    return result.columns(firstColumn, firstColumn + up.rows());
  }
}
