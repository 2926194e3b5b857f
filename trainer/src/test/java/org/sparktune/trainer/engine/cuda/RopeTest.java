package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

@Tag("gpu")
class RopeTest {
  private DeviceTwins twins;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(13);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  5,   1,  2,   0",
    "F32,  13,  3,  6,   1",
    "F32,  257, 14, 64,  4",
    "BF16, 13,  3,  6,   0",
    "BF16, 257, 14, 64,  8",
    "BF16, 65,  4,  96,  3",
    "BF16, 65,  12, 128, 256"
  })
  void shouldRotateHeadsByTheirPositions(
      DType type, int rows, int heads, int headSize, int offset) {
    Rope rope = new Rope(twins.kernels, twins.indexes);
    Twin cos = twins.random(DType.F32, 40, headSize / 2, 0);
    Twin sin = twins.random(DType.F32, 40, headSize / 2, 0);
    int[] positions = new int[rows];
    for (int row = 0; row < rows; row++) {
      positions[row] = row * 7 % 40;
    }
    for (boolean inverse : new boolean[] {false, true}) {
      Twin x = twins.random(type, rows, (long) heads * headSize, offset);
      twins.plain.rope(x.plain(), cos.plain(), sin.plain(), positions, headSize, inverse);
      rope.rotate(x.there(), cos.there(), sin.there(), positions, headSize, inverse);
      twins.assertClose("x", x);
    }
  }
}
