package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.SplittableRandom;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** What a GPU's kernels need, and the same numbers on the host (F32) and on the GPU (any type). */
final class DeviceTwins implements AutoCloseable {
  final Device device = Device.open(0);
  final Kernels kernels = new Kernels(device);
  final Staging staging = new Staging(device);
  final DeviceIndexes indexes = new DeviceIndexes(device, staging);
  final PlainEngine plain = new PlainEngine();
  final SplittableRandom random;
  private final DeviceArena arena = new DeviceArena(device, "a test");
  private final Arena host = new Arena("a test");

  /**
   * Numbers in both places.
   *
   * @param plain in F32
   * @param there on the GPU
   */
  record Twin(Tensor plain, Tensor there) {
    Twin columns(long from, long to) {
      return new Twin(plain.columns(from, to), there.columns(from, to));
    }
  }

  DeviceTwins(long seed) {
    random = new SplittableRandom(seed);
  }

  /** How far a result of a type may lie from the exact one, relative to it or to 1. */
  static double tolerance(DType type) {
    return type == DType.F32 ? 5e-6 : 5e-3;
  }

  /**
   * Random numbers between -2 and 2 that the type holds exactly.
   *
   * @param offset columns of the wider tensor on either side; 0 for a contiguous one
   */
  Twin random(DType type, long rows, long columns, long offset) {
    Tensor values = host.allocate(DType.F32, rows, columns + 2 * offset);
    for (long i = 0; i < values.size(); i++) {
      values.setFloat(i, held(type, (float) random.nextDouble(-2, 2)));
    }
    return send(type, values).columns(offset, offset + columns);
  }

  /** An F32 vector of numbers between two bounds. */
  Twin vector(long size, double from, double to) {
    Tensor values = host.allocate(DType.F32, size);
    for (long i = 0; i < size; i++) {
      values.setFloat(i, (float) random.nextDouble(from, to));
    }
    return send(DType.F32, values);
  }

  /** Host numbers that a type holds exactly, in both places. */
  Twin send(DType type, Tensor values) {
    Tensor typed = host.allocate(type, values.shape());
    for (long i = 0; i < values.size(); i++) {
      put(typed, i, values.getFloat(i));
    }
    Tensor there = arena.allocate(type, values.shape());
    staging.upload(typed, there);
    return new Twin(values, there);
  }

  /** The GPU's numbers as floats. */
  float[] read(Tensor there) {
    Tensor typed = host.allocate(there.type(), there.rows(), there.columns());
    staging.download(there, typed);
    float[] values = new float[Math.toIntExact(typed.size())];
    for (int i = 0; i < values.length; i++) {
      values[i] =
          there.type() == DType.BF16
              ? Float.intBitsToFloat(Memory.getShort(typed.address() + 2L * i) << 16)
              : typed.getFloat(i);
    }
    return values;
  }

  /** Asserts that both places hold the same but for rounding to the GPU's type. */
  void assertClose(String what, Twin twin) {
    assertClose(what, twin, tolerance(twin.there().type()));
  }

  /** Asserts that both places hold the same within a tolerance. */
  void assertClose(String what, Twin twin, double tolerance) {
    float[] actual = read(twin.there());
    Tensor expected = twin.plain();
    int i = 0;
    for (long row = 0; row < expected.rows(); row++) {
      for (long column = 0; column < expected.columns(); column++, i++) {
        double e = Memory.getFloat(expected.rowAddress(row) + column * Float.BYTES);
        double limit = tolerance * Math.max(1, Math.abs(e));
        assertTrue(
            Math.abs(e - actual[i]) <= limit,
            "%s[%d, %d] is %g instead of %g".formatted(what, row, column, actual[i], e));
      }
    }
  }

  /** What a type keeps of a number: its first bits. */
  private static float held(DType type, float value) {
    int dropped =
        switch (type) {
          case F32 -> 0;
          case BF16 -> 16;
          case F16 -> 13;
          case I32, I8 -> throw new IllegalArgumentException("no numbers of " + type);
        };
    // Numbers so small that they are subnormal in F16 are zero.
    boolean tiny = type == DType.F16 && Math.abs(value) < 0x1p-14f;
    return tiny ? 0 : Float.intBitsToFloat(Float.floatToRawIntBits(value) >> dropped << dropped);
  }

  private static void put(Tensor tensor, long index, float value) {
    int bits = Float.floatToRawIntBits(value);
    long address = tensor.address() + index * tensor.type().bytes();
    switch (tensor.type()) {
      case F32 -> Memory.putFloat(address, value);
      case BF16 -> Memory.putShort(address, (short) (bits >>> 16));
      case F16 -> {
        int magnitude = value == 0 ? 0 : ((bits & 0x7fffffff) >> 13) - (112 << 10);
        Memory.putShort(address, (short) (((bits >>> 16) & 0x8000) | magnitude));
      }
      case I32, I8 -> throw new IllegalArgumentException("no numbers in " + tensor);
    }
  }

  @Override
  public void close() {
    indexes.close();
    staging.close();
    arena.close();
    kernels.close();
    host.close();
    plain.close();
    device.close();
  }
}
