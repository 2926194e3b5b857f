package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * The linear head of transformers' {@code *ForSequenceClassification} with one label: a score for a
 * row, without a bias. M is the number of rows, C the hidden size.
 */
final class ScoreHead implements DocumentHead {
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

  /** The last of each document: D = M. */
  @Override
  public Rows rows(int[] starts, int[] lasts) {
    int[] rowStarts = new int[starts.length];
    for (int document = 0; document < rowStarts.length; document++) {
      rowStarts[document] = document;
    }
    return new Rows(lasts, rowStarts);
  }

  /** x·wᵀ. */
  @Override
  public float[] scores(Tensor normed, Rows rows) {
    try (TensorArena arena = engine.arena("scores")) {
      Tensor scores = arena.allocate(DType.F32, normed.rows(), 1);
      engine.product(false, normed, true, weight, 1, 0, scores);
      return engine.toArray(scores);
    }
  }

  @Override
  public void gradient(
      Tensor normed, Rows rows, float[] dScores, Tensor dNormed, boolean accumulate) {
    try (TensorArena arena = engine.arena("gradients of scores")) {
      Tensor d = arena.allocate(DType.F32, normed.rows(), 1);
      engine.set(d, dScores);
      engine.product(false, d, false, weight, 1, accumulate ? 1 : 0, dNormed);
      if (dWeight != null) {
        engine.product(true, d, false, normed, 1, 1, dWeight);
      }
    }
  }
}
