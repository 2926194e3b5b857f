package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * The gradient of next-token distributions' entropy {@code H = -Σ p·log p} by the rows that the
 * head reads: {@code dH/dlogit_j = -p_j·(log p_j + H)}. Some rows at a time, so that no {@code (M,
 * V)} logits are held.
 */
final class EntropyGradient {
  /** Logits held at a time. */
  private static final long CHUNK_ELEMENTS = 1 << 22;

  private EntropyGradient() {}

  /**
   * Adds the gradient.
   *
   * @param rows {@code (M, C)}
   * @param head {@code (V, C)}
   * @param dEntropy of every row's entropy
   * @param dRows {@code (M, C)}, accumulates
   * @param dHead {@code (V, C)} or null, accumulates
   */
  static void add(
      Engine engine,
      Tensor rows,
      Weight head,
      int vocabulary,
      float dEntropy,
      Tensor dRows,
      Tensor dHead) {
    int chunk = (int) Math.max(1, Math.min(rows.rows(), CHUNK_ELEMENTS / vocabulary));
    try (TensorArena arena = engine.arena("logits whose entropy is wanted")) {
      Tensor whole = arena.allocate(DType.F32, chunk, vocabulary);
      for (long from = 0; from < rows.rows(); from += chunk) {
        long to = Math.min(rows.rows(), from + chunk);
        Tensor logits = whole.rows(0, to - from);
        engine.logits(rows.rows(from, to), head, logits);
        float[] values = engine.toArray(logits);
        for (int row = 0; row < to - from; row++) {
          differentiate(values, row * vocabulary, vocabulary, dEntropy);
        }
        engine.set(logits, values);
        engine.linearInputGradient(logits, head, dRows.rows(from, to), true);
        if (dHead != null) {
          engine.linearWeightGradient(logits, rows.rows(from, to), dHead, null);
        }
      }
    }
  }

  /** Puts the gradient in the place of a row of logits. */
  private static void differentiate(float[] logits, int from, int count, float dEntropy) {
    float highest = Float.NEGATIVE_INFINITY;
    for (int i = from; i < from + count; i++) {
      highest = Math.max(highest, logits[i]);
    }
    double sum = 0;
    double weighted = 0;
    for (int i = from; i < from + count; i++) {
      double shifted = logits[i] - highest;
      double exponential = Math.exp(shifted);
      sum += exponential;
      weighted += exponential * shifted;
    }
    double logSum = Math.log(sum);
    double entropy = logSum - weighted / sum;
    for (int i = from; i < from + count; i++) {
      double logProb = logits[i] - highest - logSum;
      logits[i] = (float) (-dEntropy * Math.exp(logProb) * (logProb + entropy));
    }
  }
}
