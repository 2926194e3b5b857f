package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * The linear head of transformers' {@code *ForSequenceClassification} with one label: a score for a
 * row, without a bias. M is the number of rows, C the hidden size.
 */
final class ScoreHead {
  static final String MODULE = "score";
  static final String WEIGHT = MODULE + ".weight";

  private final Engine engine;

  /** {@code (1, C)}. */
  private final Tensor weight;

  /** {@code (1, C)}, or null when frozen. */
  private final Tensor dWeight;

  ScoreHead(Engine engine, Tensor weight, Tensor dWeight) {
    this.engine = engine;
    this.weight = weight;
    this.dWeight = dWeight;
  }

  /**
   * x·wᵀ.
   *
   * @param rows {@code (M, C)}
   * @return {@code (M)}
   */
  float[] scores(Tensor rows) {
    try (TensorArena arena = engine.arena("scores")) {
      Tensor scores = arena.allocate(DType.F32, rows.rows(), 1);
      engine.product(false, rows, true, weight, 1, 0, scores);
      return engine.toArray(scores);
    }
  }

  /**
   * Gradient of {@link #scores}.
   *
   * @param dScores {@code (M)}
   * @param dRows {@code (M, C)}
   */
  void gradient(Tensor rows, float[] dScores, Tensor dRows) {
    try (TensorArena arena = engine.arena("gradients of scores")) {
      Tensor d = arena.allocate(DType.F32, rows.rows(), 1);
      engine.set(d, dScores);
      engine.product(false, d, false, weight, 1, 0, dRows);
      if (dWeight != null) {
        engine.product(true, d, false, rows, 1, 1, dWeight);
      }
    }
  }
}
