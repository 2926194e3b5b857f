package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.Random;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Attention on the GPU, the plain engine on the host, and tensors that hold the same for both. */
final class AttentionTwins implements AutoCloseable {
  final Device device = Device.open(0);
  final Staging staging = new Staging(device);
  final Kernels kernels = new Kernels(device);
  final DeviceArena arena = new DeviceArena(device, "a test");
  final CudaAttention fast;

  /** What the GPU takes by itself, and what it would without kernels of its own. */
  final List<CudaAttention> choices;

  final PlainEngine plain = new PlainEngine();
  private final Random random;

  /**
   * The same numbers twice.
   *
   * @param host in host memory
   * @param onDevice in the GPU's, perhaps as columns of a wider tensor
   */
  record Pair(Tensor host, Tensor onDevice) {}

  AttentionTwins(long seed) {
    random = new Random(seed);
    PlainAttention slow = new PlainAttention(kernels);
    AmpereAttention ampere = new AmpereAttention(kernels, slow);
    fast = new CudaAttention(device, kernels, staging);
    choices =
        List.of(
            fast,
            new CudaAttention(device, kernels, staging, List.of(ampere, slow)),
            new CudaAttention(device, kernels, staging, List.of(slow)));
  }

  /** Normally distributed numbers, on the device the last columns of {@code stride}. */
  Pair random(DType type, long rows, long columns, long stride) {
    Tensor host = plain.allocate(type, rows, columns);
    for (long i = 0; i < rows * columns; i++) {
      int bits = Float.floatToRawIntBits((float) random.nextGaussian());
      if (type == DType.BF16) {
        Memory.putShort(host.address() + i * Short.BYTES, (short) (bits >>> 16));
      } else {
        Memory.putInt(host.address() + i * Integer.BYTES, bits);
      }
    }
    Tensor onDevice = result(type, rows, columns, stride);
    staging.upload(host, onDevice);
    return new Pair(host, onDevice);
  }

  Pair random(DType type, long rows, long columns) {
    return random(type, rows, columns, columns);
  }

  /** A device tensor whose every byte is 255, which is no number, to be overwritten. */
  Tensor result(DType type, long rows, long columns, long stride) {
    Tensor host = plain.allocate(type, rows, stride);
    Memory.fill(host.address(), host.byteSize(), (byte) 0xff);
    Tensor wide = arena.allocate(type, rows, stride);
    staging.upload(host, wide);
    return wide.columns(stride - columns, stride);
  }

  Tensor result(DType type, long rows, long columns) {
    return result(type, rows, columns, columns);
  }

  /** A host tensor for the plain engine's result. */
  Tensor expected(long rows, long columns) {
    return plain.allocate(DType.F32, rows, columns);
  }

  /** A device tensor's numbers. */
  float[] numbers(Tensor onDevice) {
    Tensor host = plain.allocate(onDevice.type(), onDevice.rows(), onDevice.columns());
    staging.download(onDevice, host);
    float[] numbers = new float[Math.toIntExact(host.size())];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] =
          onDevice.type() == DType.BF16
              ? Float.intBitsToFloat(Memory.getShort(host.address() + (long) i * 2) << 16)
              : host.getFloat(i);
    }
    return numbers;
  }

  /** Fails unless all numbers lie within the tolerance of the largest one (at least 1). */
  void assertClose(String name, Tensor expected, Tensor onDevice, double tolerance) {
    float[] actual = numbers(onDevice);
    double largest = 1;
    double error = 0;
    for (int i = 0; i < actual.length; i++) {
      largest = Math.max(largest, Math.abs(expected.getFloat(i)));
      double difference = Math.abs(actual[i] - expected.getFloat(i));
      error = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(error, difference);
    }
    double relative = error / largest;
    assertTrue(relative <= tolerance, "%s is off by %.2e".formatted(name, relative));
  }

  @Override
  public void close() {
    choices.forEach(CudaAttention::close);
    arena.close();
    kernels.close();
    staging.close();
    device.close();
    plain.close();
  }
}
