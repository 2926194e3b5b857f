package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;

@Tag("gpu")
class ConversionsTest {
  private DeviceTwins twins;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(18);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  BF16, 1,   4096, 0",
    "F32,  BF16, 13,  207,  1",
    "F32,  F32,  13,  208,  8",
    "BF16, F32,  130, 896,  8",
    "BF16, BF16, 13,  31,   3",
    "F16,  F32,  7,   64,   0",
    "F16,  BF16, 7,   72,   8",
    "F16,  BF16, 7,   13,   0"
  })
  void shouldRoundToTheNearest(DType from, DType to, int rows, int columns, int offset) {
    Twin source = twins.random(from, rows, columns, offset);
    Twin target = twins.random(to, rows, columns, offset);
    new Conversions(twins.kernels).copy(source.there(), target.there());
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        long place = column * (long) Float.BYTES;
        float value = Memory.getFloat(source.plain().rowAddress(row) + place);
        float rounded = to == DType.F32 ? value : nearestBf16(value);
        Memory.putFloat(target.plain().rowAddress(row) + place, rounded);
      }
    }
    twins.assertClose("copy", target, 0);
  }

  /** To the nearest, ties to even. */
  private static float nearestBf16(float value) {
    int bits = Float.floatToRawIntBits(value);
    int up = 0x7fff + ((bits >>> 16) & 1);
    return Float.intBitsToFloat((bits + up) & 0xffff0000);
  }
}
