package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * A linear head that says what a response is worth from some token on: the critic that shares the
 * policy's body. Computed in F32 whatever the body's precision, as far as the engine's activations
 * are F32. M is the number of selected positions, C the hidden size.
 */
final class ValueHead {
  static final String WEIGHT = "v_head.weight";
  static final String BIAS = "v_head.bias";

  private final Engine engine;

  /** {@code (1, C)} and {@code (1, 1)}. */
  private final Tensor weight;

  private final Tensor bias;
  private final Tensor dWeight;
  private final Tensor dBias;

  ValueHead(Engine engine, TrainedParameters trained) {
    this.engine = engine;
    this.weight = trained.value(WEIGHT);
    this.bias = trained.value(BIAS);
    this.dWeight = trained.gradient(WEIGHT);
    this.dBias = trained.gradient(BIAS);
  }

  /** Whether a trained parameter belongs to a value head. */
  static boolean owns(String parameter) {
    return parameter.equals(WEIGHT) || parameter.equals(BIAS);
  }

  /**
   * v = scale·x·wᵀ + b.
   *
   * @param rows {@code (M, C)}
   * @param scale undoes what the rows were divided by
   * @return {@code (M)}
   */
  float[] values(Tensor rows, float scale) {
    try (TensorArena arena = engine.arena("values")) {
      Tensor values = arena.allocate(DType.F32, rows.rows(), 1);
      engine.product(false, ones(arena, rows.rows()), false, bias, 1, 0, values);
      engine.product(false, rows, true, weight, scale, 1, values);
      return engine.toArray(values);
    }
  }

  /**
   * Gradient of {@link #values}.
   *
   * @param dValues {@code (M)}
   * @param dRows {@code (M, C)}, by rows that were not divided; accumulates
   */
  void gradient(Tensor rows, float scale, float[] dValues, Tensor dRows) {
    try (TensorArena arena = engine.arena("gradients of values")) {
      Tensor d = arena.allocate(DType.F32, rows.rows(), 1);
      engine.set(d, dValues);
      engine.product(false, d, false, weight, 1, 1, dRows);
      engine.product(true, d, false, rows, scale, 1, dWeight);
      engine.product(true, d, false, ones(arena, rows.rows()), 1, 1, dBias);
    }
  }

  private Tensor ones(TensorArena arena, long count) {
    Tensor ones = arena.allocate(DType.F32, count, 1);
    engine.fill(ones, 1);
    return ones;
  }
}
