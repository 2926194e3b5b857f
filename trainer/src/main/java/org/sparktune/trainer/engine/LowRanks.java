package org.sparktune.trainer.engine;

import java.util.List;
import org.sparktune.trainer.memory.Tensor;

/**
 * The thin products of one linear operator, and the matrix that makes t of its input.
 *
 * @param down A {@code (r, in)} F32, of all of them
 * @param reduced t = x·Aᵀ {@code (N, r)}, overwritten
 * @param added the products, whose parts of t lie in this order
 */
public record LowRanks(Tensor down, Tensor reduced, List<LowRank> added) {

  /** See {@link Engine#linear(Tensor, Weight, Tensor, Tensor, Tensor, LowRanks)}. */
  void linear(Engine engine, Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y) {
    engine.product(false, x, true, down, 1, 0, reduced);
    if (addend == null) {
      engine.linear(x, weight, bias, y, false, added);
    } else {
      engine.linear(x, weight, bias, addend, y, added);
    }
  }
}
