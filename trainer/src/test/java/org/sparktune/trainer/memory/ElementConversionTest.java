package org.sparktune.trainer.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigDecimal;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class ElementConversionTest {

  @Test
  void shouldReturnEveryHalfUnchanged() {
    for (int bits = 0; bits < 1 << 16; bits++) {
      float value = ElementConversion.halfToFloat((short) bits);
      if (!Float.isNaN(value)) {
        assertEquals((short) bits, ElementConversion.floatToHalf(value));
      }
    }
  }

  @Test
  void shouldRoundToTheNearestHalf() {
    SplittableRandom random = new SplittableRandom(1);
    for (int i = 0; i < 200_000; i++) {
      float value = (float) ((random.nextDouble() - 0.5) * Math.pow(2, random.nextInt(-26, 17)));
      short nearest = ElementConversion.floatToHalf(value);
      double distance = distance(value, nearest);
      // Adjacent halves of one sign have adjacent bits.
      assertTrue(distance <= distance(value, (short) (nearest + 1)), () -> "above " + value);
      assertTrue(distance <= distance(value, (short) (nearest - 1)), () -> "below " + value);
    }
  }

  @Test
  void shouldRoundHalvesToEven() {
    assertEquals(0x3c00, ElementConversion.floatToHalf(1 + 0x1p-11f));
    assertEquals(0x3c02, ElementConversion.floatToHalf(1 + 3 * 0x1p-11f));
    assertEquals(0x3f80, ElementConversion.floatToBfloat(1 + 0x1p-8f));
    assertEquals(0x3f82, ElementConversion.floatToBfloat(1 + 3 * 0x1p-8f));
    assertEquals(0, ElementConversion.floatToHalf(0x1p-25f));
    assertEquals(0x7c00, ElementConversion.floatToHalf(65520f));
    assertEquals(0x7bff, ElementConversion.floatToHalf(65519f));
  }

  @Test
  void shouldFindNanAndInfinity() {
    try (Arena arena = new Arena("test")) {
      Tensor values = arena.allocate(DType.F32, 3).set(new float[] {1, 2, 3});
      Tensor out = arena.allocate(DType.BF16, 3);
      assertTrue(
          ElementConversion.convert(DType.F32, values.address(), DType.BF16, out.address(), 3));
      assertTrue(ElementConversion.allFinite(DType.BF16, out.address(), 3));
      values.setFloat(2, Float.NaN);
      assertFalse(
          ElementConversion.convert(DType.F32, values.address(), DType.BF16, out.address(), 3));
      assertFalse(ElementConversion.allFinite(DType.BF16, out.address(), 3));
      values.setFloat(2, Float.NEGATIVE_INFINITY);
      assertFalse(ElementConversion.allFinite(DType.F32, values.address(), 3));
    }
  }

  private static double distance(float value, short half) {
    float other = ElementConversion.halfToFloat(half);
    return Float.isFinite(other)
        ? new BigDecimal(value).subtract(new BigDecimal(other)).abs().doubleValue()
        : Double.POSITIVE_INFINITY;
  }
}
