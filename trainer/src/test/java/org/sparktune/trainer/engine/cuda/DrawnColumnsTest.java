package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.DrawnShares;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

@Tag("gpu")
class DrawnColumnsTest {
  private DeviceTwins twins;
  private DrawnColumns columns;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(15);
    columns = new DrawnColumns(twins.device, twins.kernels, twins.staging);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      columns.close();
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 1, 1", "5, 31, 0.7", "3, 33, 1", "400, 1009, 1.3", "9, 151936, 0.9"})
  void shouldDrawWithTheProbabilitiesOfTheSoftmax(int rows, int width, double temperature) {
    Twin logits = twins.random(DType.F32, rows, width, 5);
    double[] numbers = new double[rows];
    float[][] values = new float[rows][];
    for (int row = 0; row < rows; row++) {
      numbers[row] = row == 0 ? 0 : row == 1 ? Math.nextDown(1.0) : twins.random.nextDouble();
      values[row] = logits.plain().rows(row, row + 1).toFloatArray();
    }
    int[] drawn = columns.draw(logits.there(), temperature, numbers);
    DrawnShares.check(values, temperature, numbers, drawn);
    assertArrayEquals(drawn, columns.draw(logits.there(), temperature, numbers));
  }

  @ParameterizedTest
  @CsvSource({"0, 0.3", "700, 0.3", "1500, 0.999"})
  void shouldDrawTheOnlyColumnOfAnyProbability(int only, double number) {
    Twin logits = twins.random(DType.F32, 1, 1501, 0);
    for (int column = 0; column < 1501; column++) {
      logits.plain().setFloat(column, column == only ? -3 : Float.NEGATIVE_INFINITY);
    }
    logits = twins.send(DType.F32, logits.plain());
    assertArrayEquals(new int[] {only}, columns.draw(logits.there(), 1, new double[] {number}));
  }
}
