package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.MatrixProducts;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.Fp8Matrix;

/** Products of 8-bit operands beside plain loops over what the operands were rounded from. */
@Tag("gpu")
class Fp8ProductsTest {
  private DeviceTwins twins;
  private Arena host;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(9);
    host = new Arena("test");
    int capability = twins.device.capability();
    assumeTrue(
        Fp8Products.isAble(capability, DType.BF16),
        () -> "needs compute capability 9.0, and this GPU has " + capability / 10.0);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      host.close();
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({"16, 32, 48, 0", "1, 64, 16, 0", "77, 4096, 512, 64", "300, 96, 1040, 8"})
  void shouldMultiplyInBothDirections(int rows, int in, int out, int room) {
    Twin x = twins.random(DType.BF16, rows, in, room);
    Twin dy = twins.random(DType.BF16, rows, out, room);
    Twin matrix = twins.random(DType.F32, out, in, 0);
    Twin addend = twins.random(DType.BF16, rows, out, 0);
    Twin bias = twins.vector(out, -1, 1);
    Twin y = twins.random(DType.BF16, rows, out, 0);
    Twin dx = twins.random(DType.BF16, rows, in, 0);
    Fp8Matrix quantized = Fp8Matrix.of(matrix.plain(), host);
    Tensor decoded = host.allocate(DType.F32, out, in);
    quantized.decode(0, decoded);
    try (DeviceArena arena = new DeviceArena(twins.device, "test");
        MatrixProducts library = new MatrixProducts(twins.device);
        Fp8Products products =
            new Fp8Products(
                twins.device,
                twins.kernels,
                new Conversions(twins.kernels),
                twins.staging,
                library)) {
      Fp8Matrix there = (Fp8Matrix) new QuantizedUploads(arena, twins.staging).upload(quantized);
      Fp8Weight weight = products.weight(there, arena);
      products.linear(x.there(), weight, bias.there(), addend.there(), y.there());
      products.inputGradient(dy.there(), weight, dx.there(), false);
      assertNear(forward(x.plain(), decoded, bias.plain(), addend.plain()), twins.read(y.there()));
      assertNear(backward(dy.plain(), decoded), twins.read(dx.there()));
    }
  }

  private static float at(Tensor matrix, long row, long column) {
    return Memory.getFloat(matrix.rowAddress(row) + column * Float.BYTES);
  }

  private static double[] forward(Tensor x, Tensor matrix, Tensor bias, Tensor addend) {
    int out = Math.toIntExact(matrix.rows());
    double[] y = new double[Math.toIntExact(x.rows() * out)];
    for (int i = 0; i < y.length; i++) {
      double sum = bias.getFloat(i % out) + at(addend, i / out, i % out);
      for (int k = 0; k < matrix.columns(); k++) {
        sum += (double) at(x, i / out, k) * at(matrix, i % out, k);
      }
      y[i] = sum;
    }
    return y;
  }

  private static double[] backward(Tensor dy, Tensor matrix) {
    int in = Math.toIntExact(matrix.columns());
    double[] dx = new double[Math.toIntExact(dy.rows() * in)];
    for (int i = 0; i < dx.length; i++) {
      for (int k = 0; k < matrix.rows(); k++) {
        dx[i] += (double) at(dy, i / in, k) * at(matrix, k, i % in);
      }
    }
    return dx;
  }

  /** Rounding to 3 bits of mantissa is off by 2.6 % of the norm on average; the bound is 4 %. */
  private static void assertNear(double[] expected, float[] actual) {
    double error = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      error += (expected[i] - actual[i]) * (expected[i] - actual[i]);
      norm += expected[i] * expected[i];
    }
    double relative = Math.sqrt(error / norm);
    assertTrue(relative < 0.04, "off by " + relative);
  }
}
