package org.sparktune.trainer.engine;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class TokenChoiceTest {

  @Test
  void shouldDrawTheColumnInWhoseShareTheNumberFalls() {
    try (Engine engine = CpuEngines.open(Engine.Precision.F32, 1)) {
      Tensor logits = engine.allocate(DType.F32, 6, 4);
      float[] row = {(float) Math.log(1), (float) Math.log(2), Float.NEGATIVE_INFINITY, 0};
      for (int i = 0; i < 6; i++) {
        engine.set(logits.rows(i, i + 1), row);
      }
      // Shares 1/4, 2/4, 0, 1/4.
      double[] numbers = {0, 0.24, 0.26, 0.74, 0.76, Math.nextDown(1.0)};
      assertArrayEquals(new int[] {0, 0, 1, 1, 3, 3}, engine.drawColumns(logits, 1, numbers));
      // At half the temperature 1/6, 4/6, 0, 1/6.
      assertArrayEquals(new int[] {0, 1, 1, 1, 1, 3}, engine.drawColumns(logits, 0.5, numbers));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "7, 33, 0.7", "300, 1009, 1.3"})
  void shouldBracketTheNumberByTheSharesBesideTheColumn(int rows, int columns, double temperature) {
    try (Engine engine = CpuEngines.open(Engine.Precision.F32, 2)) {
      SplittableRandom random = new SplittableRandom(columns);
      Tensor logits = engine.allocate(DType.F32, rows, columns);
      double[] numbers = random.doubles(rows).toArray();
      float[][] values = new float[rows][columns];
      for (int row = 0; row < rows; row++) {
        for (int column = 0; column < columns; column++) {
          values[row][column] = (float) (8 * random.nextDouble() - 4);
        }
        engine.set(logits.rows(row, row + 1), values[row]);
      }
      DrawnShares.check(
          values, temperature, numbers, engine.drawColumns(logits, temperature, numbers));
    }
  }
}
