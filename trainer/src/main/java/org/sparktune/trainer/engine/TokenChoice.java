package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.Tensor;

/** How next tokens are chosen from logits, where those lie. Results are known on return. */
public interface TokenChoice {

  /**
   * The column of each row's greatest number, the first of equals: the likeliest next tokens.
   *
   * @param logits {@code (M, V)} F32
   */
  default int[] greatestColumns(Tensor logits) {
    return ElementLoops.greatestColumns(logits);
  }

  /**
   * Draws a column of each row with the probabilities softmax(row / temperature): the first at
   * which the sum of probabilities exceeds the row's number. An engine's sums have an order of
   * their own, so engines may differ where a number falls between two columns.
   *
   * @param logits {@code (M, V)} F32
   * @param temperature above 0
   * @param numbers {@code (M)} in [0, 1)
   */
  default int[] drawColumns(Tensor logits, double temperature, double[] numbers) {
    return ElementLoops.drawColumns(logits, temperature, numbers);
  }
}
