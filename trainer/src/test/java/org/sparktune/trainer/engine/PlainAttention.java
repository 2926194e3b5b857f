package org.sparktune.trainer.engine;

import static org.sparktune.trainer.engine.Elements.get;
import static org.sparktune.trainer.engine.Elements.put;

import org.sparktune.trainer.memory.Tensor;

/** What the plain engine's attention is made of. */
final class PlainAttention {
  private PlainAttention() {}

  /** One query row of one head; returns the log of the sum of exponentials. */
  static double attend(
      Tensor q,
      int row,
      Tensor k,
      Tensor v,
      int start,
      int position,
      int head,
      AttentionShape shape,
      Tensor out) {
    int size = shape.headSize();
    long own = (long) head * size;
    long shared = keyValueColumn(shape, head);
    int first = firstKey(start, position, shape);
    double[] scores = new double[position - first + 1];
    double max = Double.NEGATIVE_INFINITY;
    for (int m = 0; m < scores.length; m++) {
      scores[m] = dot(q, row, own, k, first + m, shared, size) * shape.scale();
      max = Math.max(max, scores[m]);
    }
    double sum = 0;
    for (double score : scores) {
      sum += Math.exp(score - max);
    }
    double lse = max + Math.log(sum);
    for (int i = 0; i < size; i++) {
      double value = 0;
      for (int m = 0; m < scores.length; m++) {
        value += Math.exp(scores[m] - lse) * get(v, first + m, shared + i);
      }
      put(out, row, own + i, value);
    }
    return lse;
  }

  static int firstKey(int start, int position, AttentionShape shape) {
    return (int) Math.max(start, (long) position - shape.window() + 1);
  }

  static long keyValueColumn(AttentionShape shape, int head) {
    return (long) (head / (shape.heads() / shape.keyValueHeads())) * shape.headSize();
  }

  static double dot(
      Tensor a, long rowA, long columnA, Tensor b, long rowB, long columnB, int size) {
    double sum = 0;
    for (int i = 0; i < size; i++) {
      sum += get(a, rowA, columnA + i) * get(b, rowB, columnB + i);
    }
    return sum;
  }
}
