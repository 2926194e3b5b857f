package org.sparktune.trainer.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.ElementConversion;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

class Nf4MatrixTest {
  private final Random random = new Random(11);

  /** Quantiles of the normal distribution, as appendix E of the QLoRA paper derives them. */
  @Test
  void shouldHaveTheNormalDistributionsQuantilesAsItsValues() {
    double offset = 0.9677083;
    float[] expected = new float[16];
    for (int i = 0; i < 8; i++) {
      expected[8 + i] = (float) quantile(0.5 + (offset - 0.5) * (i + 1) / 8);
      expected[i] = i == 7 ? 0 : (float) -quantile(offset + (0.5 - offset) * i / 7);
    }
    float largest = expected[15];
    for (int code = 0; code < 16; code++) {
      assertEquals(expected[code] / largest, Nf4.value(code), 1e-5, "code " + code);
    }
  }

  /** Decade by decade, with the ends that bitsandbytes' map has. */
  @Test
  void shouldHaveADynamicCodeOfBothSigns() {
    assertEquals(-0.9929687f, Nf4.scaleValue(0), 1e-6f);
    assertEquals(1, Nf4.scaleValue(255));
    assertEquals(0, Nf4.scaleValue(127));
    assertEquals(5.5e-7f, Nf4.scaleValue(128), 1e-12f);
    for (int code = 1; code < 256; code++) {
      assertTrue(Nf4.scaleValue(code - 1) < Nf4.scaleValue(code), "code " + code);
      assertEquals(code, Nf4.scaleCode(Nf4.scaleValue(code)));
    }
  }

  @Test
  void shouldKeepTheFirstElementInTheHighHalf() {
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, 1, 4).set(new float[] {2, -2, 0, 0.1591606f});
      Nf4Matrix quantized = Nf4Matrix.of(matrix, false, arena);
      assertEquals((byte) 0xf0, Memory.getByte(quantized.codes().address()));
      assertEquals((byte) 0x78, Memory.getByte(quantized.codes().address() + 1));
      assertEquals(2, quantized.scale(0));
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 64", "3, 64", "7, 33", "5, 1", "300, 70", "64, 1024"})
  void shouldGiveEveryElementTheNearestValue(int rows, int columns) {
    float[] values = values(rows * columns);
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, rows, columns).set(values);
      Nf4Matrix quantized = Nf4Matrix.of(matrix, false, arena);
      assertEquals(Nf4Matrix.bytes(rows * (long) columns, false), quantized.bytes());
      float[] decoded = decode(quantized, 0, rows, DType.F32);
      for (int i = 0; i < values.length; i++) {
        int first = i - i % 64;
        float[] block = Arrays.copyOfRange(values, first, Math.min(values.length, first + 64));
        float scale = 0;
        for (float value : block) {
          scale = Math.max(scale, Math.abs(value));
        }
        float best = Float.MAX_VALUE;
        for (int code = 0; code < 16; code++) {
          best = Math.min(best, Math.abs(values[i] - Nf4.value(code) * scale));
        }
        assertEquals(best, Math.abs(values[i] - decoded[i]), scale * 1e-6, "element " + i);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"64, 1024", "300, 70", "2, 32"})
  void shouldLoseLittleByQuantizingTheScales(int rows, int columns) {
    float[] values = values(rows * columns);
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, rows, columns).set(values);
      Nf4Matrix once = Nf4Matrix.of(matrix, false, arena);
      Nf4Matrix twice = Nf4Matrix.of(matrix, true, arena);
      assertEquals(Nf4Matrix.bytes(rows * (long) columns, true), twice.bytes());
      long blocks = (values.length + 63L) / 64;
      for (long block = 0; block < blocks; block++) {
        // Neighbouring codes are at most 0.9 / 64 of the largest distance apart.
        float magnitude = twice.quantized().magnitudes().getFloat(block / 256);
        assertEquals(once.scale(block), twice.scale(block), magnitude * 0.0071, "block " + block);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"false", "true"})
  void shouldDecodeAnyRowsAlike(boolean twice) {
    try (Arena arena = new Arena("test")) {
      Tensor matrix = arena.allocate(DType.F32, 9, 37).set(values(9 * 37));
      Nf4Matrix quantized = Nf4Matrix.of(matrix, twice, arena).copy(arena);
      float[] whole = decode(quantized, 0, 9, DType.F32);
      for (int first = 0; first < 9; first++) {
        float[] part = decode(quantized, first, 9 - first, DType.F32);
        assertArrayEquals(Arrays.copyOfRange(whole, first * 37, 9 * 37), part, 0);
        float[] rounded = decode(quantized, first, 9 - first, DType.BF16);
        for (int i = 0; i < part.length; i++) {
          short bits = ElementConversion.floatToBfloat(part[i]);
          assertEquals(ElementConversion.bfloatToFloat(bits), rounded[i]);
        }
      }
    }
  }

  @Test
  void shouldKeepZeros() {
    try (Arena arena = new Arena("test")) {
      Nf4Matrix zeros = Nf4Matrix.of(arena.allocate(DType.F32, 4, 64), true, arena);
      assertArrayEquals(new float[256], decode(zeros, 0, 4, DType.F32), 0);
    }
  }

  private float[] values(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (random.nextGaussian() * 0.02 * (1 + i % 5));
    }
    return values;
  }

  private static float[] decode(QuantizedMatrix matrix, long first, int rows, DType type) {
    try (Arena arena = new Arena("test")) {
      Tensor decoded = arena.allocate(type, rows, matrix.columns());
      matrix.decode(first, decoded);
      float[] values = new float[(int) decoded.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] =
            type == DType.F32
                ? decoded.getFloat(i)
                : ElementConversion.bfloatToFloat(Memory.getShort(decoded.address() + i * 2L));
      }
      return values;
    }
  }

  /** Of the standard normal distribution, by bisection of its integral. */
  private static double quantile(double probability) {
    double low = 0;
    double high = 10;
    for (int i = 0; i < 60; i++) {
      double middle = (low + high) / 2;
      if (0.5 + integral(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
    }
    return low;
  }

  private static double integral(double x) {
    int steps = 2000;
    double sum = 0;
    for (int i = 0; i <= steps; i++) {
      double weight = i == 0 || i == steps ? 1 : i % 2 == 1 ? 4 : 2;
      double at = x * i / steps;
      sum += weight * Math.exp(-at * at / 2);
    }
    return sum * x / steps / 3 / Math.sqrt(2 * Math.PI);
  }
}
