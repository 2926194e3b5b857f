package org.sparktune.trainer.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

class Fp8MatrixTest {
  /** Table 1 of the paper: the bounds of E4M3. */
  @ParameterizedTest
  @CsvSource({
    "0x00, 0",
    "0x01, 0.001953125",
    "0x07, 0.013671875",
    "0x08, 0.015625",
    "0x38, 1",
    "0x39, 1.125",
    "0x7e, 448",
    "0xb8, -1",
    "0xfe, -448"
  })
  void shouldHaveThePublishedValues(String code, float value) {
    int bits = Integer.decode(code);
    assertEquals(value, Fp8.value(bits));
    assertEquals(bits, Fp8.code(value));
  }

  @Test
  void shouldRoundToTheNearestAndTiesToEven() {
    for (int code = 0; code < 0x7e; code++) {
      float low = Fp8.value(code);
      float high = Fp8.value(code + 1);
      assertTrue(low < high);
      float middle = (low + high) / 2;
      int even = code % 2 == 0 ? code : code + 1;
      assertEquals(even, Fp8.code(middle), "between " + low + " and " + high);
      assertEquals(code, Fp8.code(Math.nextDown(middle)));
      assertEquals(code + 1, Fp8.code(Math.nextUp(middle)));
      assertEquals(even | 0x80, Fp8.code(-middle));
    }
    assertEquals(0x7e, Fp8.code(1e30f));
  }

  @ParameterizedTest
  @CsvSource({"1, 16", "7, 33", "64, 1024"})
  void shouldLoseLessThanASixteenthOfEveryElement(int rows, int columns) {
    SplittableRandom random = new SplittableRandom(3);
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, rows, columns);
      for (long i = 0; i < matrix.size(); i++) {
        matrix.setFloat(i, (float) random.nextGaussian() * (1 + i / columns));
      }
      Fp8Matrix quantized = Fp8Matrix.of(matrix, arena).copy(arena);
      assertEquals((long) rows * columns + 4L * rows, quantized.bytes());
      Tensor decoded = arena.allocate(DType.F32, rows, columns);
      quantized.decode(0, decoded);
      for (long i = 0; i < matrix.size(); i++) {
        float exact = matrix.getFloat(i);
        // Half a step of 3 bits of mantissa, and of the smallest numbers.
        float scale = quantized.scales().getFloat(i / columns);
        double bound = Math.abs(exact) / 15.9 + scale * 0x1p-10;
        assertEquals(exact, decoded.getFloat(i), bound);
      }
      Tensor last = arena.allocate(DType.F32, 1, columns);
      quantized.decode(rows - 1, last);
      assertEquals(decoded.getFloat((rows - 1L) * columns), last.getFloat(0));
    }
  }

  @Test
  void shouldKeepZeros() {
    try (Arena arena = new Arena("test")) {
      Tensor decoded = arena.allocate(DType.F32, 2, 16).set(new float[32]);
      Fp8Matrix.of(arena.allocate(DType.F32, 2, 16), arena).decode(0, decoded);
      for (float value : decoded.toFloatArray()) {
        assertEquals(0, value);
      }
    }
  }
}
