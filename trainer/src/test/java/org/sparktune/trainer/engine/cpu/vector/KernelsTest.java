package org.sparktune.trainer.engine.cpu.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

class KernelsTest {
  private static final float SMALLEST_NORMAL = 0x1p-126f;

  private final Kernels kernels = new Kernels();

  @Test
  void shouldExponentiateWithinTwoUnitsInTheLastPlace() {
    Random random = new Random(4);
    for (int i = 0; i < 2_000_000; i++) {
      assertExponential((random.nextFloat() - 0.5f) * 180);
      assertExponential((random.nextFloat() - 0.5f) * 2);
    }
    float[] extremes = {
      0f,
      -0f,
      1f,
      -1f,
      88.7228f,
      88.72284f,
      88.8f,
      1e30f,
      -87.3f,
      -87.3366f,
      -87.4f,
      -104f,
      -1e30f,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.MIN_VALUE,
      Float.NaN
    };
    for (float x : extremes) {
      assertExponential(x);
    }
  }

  private static void assertExponential(float x) {
    float actual = SoftmaxKernels.exponential(x);
    double expected = Math.exp(x);
    if (Double.isNaN(expected)) {
      assertTrue(Float.isNaN(actual));
    } else if (expected > Float.MAX_VALUE) {
      assertEquals(Float.POSITIVE_INFINITY, actual, "exp(" + x + ")");
    } else if (expected < SMALLEST_NORMAL) {
      // Subnormal results are flushed to zero; just above, either is within two units.
      assertTrue(actual >= 0 && actual <= 2 * SMALLEST_NORMAL, "exp(" + x + ") = " + actual);
    } else {
      double error = Math.abs(actual - expected) / Math.ulp((float) expected);
      assertTrue(error <= 2, "exp(" + x + ") is off by " + error + " ulp");
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {16, 64, 512})
  void shouldGiveTheSameExponentialsAsVectorsAndOneByOne(int count) {
    try (Arena arena = new Arena("test")) {
      Tensor x = arena.allocate(DType.F32, count);
      Random random = new Random(count);
      float[] expected = new float[count];
      double sum = 0;
      for (int i = 0; i < count; i++) {
        float value = i % 7 == 3 ? Float.NEGATIVE_INFINITY : random.nextFloat() * -60;
        x.setFloat(i, value);
        expected[i] = SoftmaxKernels.exponential(value);
        sum += expected[i];
      }
      float total = kernels.softmax().exponentials(x.address(), 1, 0, count);
      for (int i = 0; i < count; i++) {
        assertEquals(expected[i], x.getFloat(i));
      }
      assertEquals(sum, total, 1e-5 * sum);
    }
  }

  @Test
  void shouldRoundToBf16LikeTheDefinition() {
    try (Arena arena = new Arena("test")) {
      int count = 1000;
      Tensor floats = arena.allocate(DType.F32, count);
      Tensor halves = arena.allocate(DType.BF16, count);
      Tensor back = arena.allocate(DType.F32, count);
      Random random = new Random(6);
      for (int i = 0; i < count; i++) {
        floats.setFloat(i, Float.intBitsToFloat(random.nextInt()));
      }
      float[] special = {
        0f,
        -0f,
        1f,
        0x1.01p0f,
        0x1.03p0f,
        Float.MAX_VALUE,
        Float.NaN,
        Float.intBitsToFloat(0x7f800001),
        Float.intBitsToFloat(0xffffffff),
        Float.POSITIVE_INFINITY,
        Float.NEGATIVE_INFINITY
      };
      for (int i = 0; i < special.length; i++) {
        floats.setFloat(i, special[i]);
        floats.setFloat(count - 1 - i, special[i]);
      }
      kernels.elements().toBf16(floats.address(), halves.address(), count);
      kernels.elements().fromBf16(halves.address(), back.address(), count);
      for (int i = 0; i < count; i++) {
        float value = floats.getFloat(i);
        float rounded = back.getFloat(i);
        if (Float.isNaN(value)) {
          assertTrue(Float.isNaN(rounded));
          continue;
        }
        int lower = Float.floatToRawIntBits(value) & 0xffff0000;
        float down = Float.intBitsToFloat(lower);
        float up = Float.intBitsToFloat(lower + 0x10000);
        double toDown = Math.abs((double) value - down);
        double toUp =
            Math.abs((Float.isInfinite(up) ? Math.copySign(0x1p128, up) : up) - (double) value);
        boolean even = (lower & 0x10000) == 0;
        float expected = toDown < toUp || (toDown == toUp && even) ? down : up;
        if (Float.isInfinite(value)) {
          expected = value;
        }
        assertEquals(
            expected, rounded, "bits " + Integer.toHexString(Float.floatToRawIntBits(value)));
        assertEquals(
            (short) (Float.floatToRawIntBits(expected) >>> 16),
            Memory.getShort(halves.address() + 2L * i));
      }
    }
  }

  @Test
  void shouldReportWhatIsNotANumber() {
    try (Arena arena = new Arena("test")) {
      Tensor x = arena.allocate(DType.F32, 5000);
      x.setFloat(4321, Float.NaN);
      assertTrue(Float.isNaN(kernels.softmax().logSumExp(x.address(), 5000)));
      x.setFloat(4321, 0);
      assertEquals(Math.log(5000), kernels.softmax().logSumExp(x.address(), 5000), 1e-5);
    }
  }
}
