package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

@Tag("gpu")
class ColumnSumsTest {
  private DeviceTwins twins;
  private ColumnSums sums;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(15);
    sums = new ColumnSums(twins.device, twins.kernels);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      sums.close();
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  1,    1,    0",
    "F32,  64,   33,   1",
    "F32,  1000, 896,  4",
    "BF16, 13,   207,  0",
    "BF16, 65,   512,  8",
    "BF16, 3000, 1152, 0",
    "BF16, 700,  257,  3"
  })
  void shouldSumColumns(DType type, int rows, int columns, int offset) {
    Twin a = twins.random(type, rows, columns, offset);
    Twin b = twins.random(type, rows, columns, offset);
    Twin result = twins.vector(columns, -1, 1);
    float[] before = result.plain().toFloatArray();
    for (int column = 0; column < columns; column++) {
      double sum = before[column];
      for (int row = 0; row < rows; row++) {
        sum += element(a.plain(), row, column);
      }
      result.plain().setFloat(column, (float) sum);
    }
    sums.addColumns(a.there(), result.there());
    twins.assertClose("sums", result, 2e-5);

    for (int column = 0; column < columns; column++) {
      double sum = 0;
      for (int row = 0; row < rows; row++) {
        sum += (double) element(a.plain(), row, column) * element(b.plain(), row, column);
      }
      result.plain().setFloat(column, (float) sum);
    }
    sums.products(a.there(), b.there(), result.there());
    twins.assertClose("dots", result, 2e-5);
    float[] once = twins.read(result.there());
    sums.products(a.there(), b.there(), result.there());
    assertArrayEquals(once, twins.read(result.there()));
  }

  private static float element(Tensor tensor, int row, int column) {
    return Memory.getFloat(tensor.rowAddress(row) + (long) column * Float.BYTES);
  }
}
