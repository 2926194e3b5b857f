package org.sparktune.trainer.engine.cuda.runtime;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.Gpu;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Memory, copies, kernels and products on a GPU, against plain loops on the host. */
@Tag("gpu")
class DeviceRuntimeTest {
  private final SplittableRandom random = new SplittableRandom(5);
  private Device device;
  private DeviceArena arena;
  private Arena host;
  private Staging staging;

  @BeforeEach
  void open() {
    Gpu.require();
    device = Device.open(0);
    arena = new DeviceArena(device, "a test");
    host = new Arena("a test");
    staging = new Staging(device);
  }

  @AfterEach
  void close() {
    if (device != null) {
      staging.close();
      arena.close();
      host.close();
      device.close();
    }
  }

  @Test
  void shouldClearWhatItAllocates() {
    Tensor tensor = arena.allocate(DType.F32, 13, 207);
    Tensor back = host.allocate(DType.F32, 13, 207);
    back.setFloat(5, 1);
    staging.download(tensor, back);
    assertArrayEquals(new float[13 * 207], back.toFloatArray());
    assertTrue(device.usedBytes() >= 13 * 207 * 4 && device.freeBytes() > 0);
  }

  @Test
  void shouldCopyColumnsOfWiderTensors() {
    Tensor source = uniform(DType.F32, 37, 64);
    Tensor first = arena.allocate(DType.F32, 37, 64);
    Tensor second = arena.allocate(DType.F32, 37, 50);
    Tensor back = host.allocate(DType.F32, 37, 70);
    staging.upload(source.columns(8, 40), first.columns(3, 35));
    staging.copy(first.columns(3, 35), second.columns(1, 33));
    staging.download(second.columns(1, 33), back.columns(30, 62));
    for (int row = 0; row < 37; row++) {
      for (int column = 0; column < 32; column++) {
        assertEquals(
            source.getFloat(row * 64L + column + 8), back.getFloat(row * 70L + column + 30));
      }
    }
  }

  @Test
  void shouldCopyMoreThanTheStagingBufferHolds() {
    Tensor source = uniform(DType.F32, 3, 9_000_000);
    Tensor there = arena.allocate(DType.F32, 3, 9_000_000);
    Tensor back = host.allocate(DType.F32, 3, 9_000_000);
    staging.upload(source, there);
    staging.download(there, back);
    assertArrayEquals(source.toFloatArray(), back.toFloatArray());
  }

  @Test
  void shouldRunAKernelOfAResource() {
    try (Kernels kernels = new Kernels(device)) {
      Tensor numbers = arena.allocate(DType.F32, 1000);
      kernels.get("counting.cu", "count").with(numbers).with(1000).with(0.5f).launch(4, 256);
      Tensor back = host.allocate(DType.F32, 1000);
      staging.download(numbers, back);
      for (int i = 0; i < 1000; i++) {
        assertEquals(i + 0.5f, back.getFloat(i));
      }
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  false, false, 1,   1,   1",
    "F32,  false, true,  13,  207, 64",
    "F32,  true,  false, 65,  31,  129",
    "F32,  true,  true,  17,  9,   33",
    "F32,  false, true,  256, 512, 1024",
    "BF16, false, true,  128, 256, 512",
    "BF16, false, true,  13,  207, 64",
    "BF16, true,  false, 48,  16,  129",
    "BF16, false, false, 33,  64,  16"
  })
  void shouldMultiplyAsPlainLoopsDo(
      DType type, boolean transposeA, boolean transposeB, int rows, int columns, int inner) {
    Tensor a = transposeA ? uniform(type, inner, rows) : uniform(type, rows, inner);
    Tensor b = transposeB ? uniform(type, columns, inner) : uniform(type, inner, columns);
    Tensor c = uniform(DType.F32, rows, columns);
    Tensor result = host.allocate(DType.F32, rows, columns);
    try (MatrixProducts products = new MatrixProducts(device)) {
      Tensor there = sent(c);
      products.multiply(transposeA, sent(a), transposeB, sent(b), 0.5f, 2, there);
      staging.download(there, result);
    }
    double largest = 0;
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        double sum = 0;
        for (int i = 0; i < inner; i++) {
          sum +=
              (double) (transposeA ? get(a, i, row) : get(a, row, i))
                  * (transposeB ? get(b, column, i) : get(b, i, column));
        }
        double expected = 0.5 * sum + 2.0 * get(c, row, column);
        largest = Math.max(largest, Math.abs(expected - get(result, row, column)));
      }
    }
    // Rounding of F32 sums alone: TF32 would be off by 1e-3.
    assertTrue(largest < 2e-6 * Math.sqrt(inner) + 1e-6, "off by " + largest);
  }

  private Tensor sent(Tensor source) {
    Tensor tensor = arena.allocate(source.type(), source.shape());
    staging.upload(source, tensor);
    return tensor;
  }

  private Tensor uniform(DType type, long rows, long columns) {
    Tensor tensor = host.allocate(type, rows, columns);
    for (long i = 0; i < tensor.size(); i++) {
      float value = (float) random.nextDouble(-1, 1);
      if (type == DType.BF16) {
        Memory.putShort(tensor.address() + i * 2, (short) (Float.floatToRawIntBits(value) >>> 16));
      } else {
        tensor.setFloat(i, value);
      }
    }
    return tensor;
  }

  private static float get(Tensor tensor, long row, long column) {
    long index = row * tensor.columns() + column;
    return tensor.type() == DType.BF16
        ? Float.intBitsToFloat(Memory.getShort(tensor.address() + index * 2) << 16)
        : tensor.getFloat(index);
  }
}
