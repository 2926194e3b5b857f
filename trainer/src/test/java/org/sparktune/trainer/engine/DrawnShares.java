package org.sparktune.trainer.engine;

import static org.junit.jupiter.api.Assertions.assertTrue;

/** Tells whether columns were drawn with the probabilities of a softmax, up to rounding. */
public final class DrawnShares {
  private static final double ROUNDING = 1e-6;

  private DrawnShares() {}

  /** Every number lies between the sums of probabilities before and behind the drawn column. */
  public static void check(float[][] logits, double temperature, double[] numbers, int[] drawn) {
    for (int row = 0; row < numbers.length; row++) {
      double total = sum(logits[row], logits[row].length, temperature);
      double before = sum(logits[row], drawn[row], temperature) / total;
      double behind = sum(logits[row], drawn[row] + 1, temperature) / total;
      assertTrue(
          before - ROUNDING <= numbers[row] && numbers[row] <= behind + ROUNDING,
          "row %d: %s was drawn as column %d, from %s to %s"
              .formatted(row, numbers[row], drawn[row], before, behind));
    }
  }

  private static double sum(float[] logits, int columns, double temperature) {
    double sum = 0;
    for (int column = 0; column < columns; column++) {
      sum += Math.exp(logits[column] / temperature);
    }
    return sum;
  }
}
