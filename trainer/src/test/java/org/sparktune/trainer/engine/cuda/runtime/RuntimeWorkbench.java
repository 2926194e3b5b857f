package org.sparktune.trainer.engine.cuda.runtime;

import java.util.Locale;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * How fast a GPU multiplies and copies through this runtime, at the shapes of the benchmarked
 * models. Not a test: run {@code main}.
 */
public final class RuntimeWorkbench {
  private static final int REPEATS = 20;

  private RuntimeWorkbench() {}

  /** Runs it. */
  public static void main(String[] arguments) {
    long begun = System.nanoTime();
    try (Device device = Device.open(0);
        MatrixProducts products = new MatrixProducts(device);
        Stopwatch watch = new Stopwatch(device);
        Staging staging = new Staging(device)) {
      System.out.printf(
          "%s, %d multiprocessors, cuBLAS %s, started in %.2f s%n",
          device.name(),
          device.multiprocessors(),
          MatrixProducts.version(),
          (System.nanoTime() - begun) / 1e9);
      int tokens = 16_384;
      int[][] shapes = {
        {896, 1_152},
        {896, 896},
        {896, 9_728},
        {4_864, 896},
        {960, 9_728},
        {4_928, 896},
        {1_536, 2_048},
        {1_536, 1_536},
        {1_536, 17_920},
        {8_960, 1_536},
        {4_096, 6_144},
        {4_096, 28_672},
        {14_336, 4_096},
        {896, 16},
        {896, 48},
        {4_864, 16},
        {8_960, 16},
        {16, 896},
        {16, 4_864}
      };
      for (int[] shape : shapes) {
        time(device, products, watch, staging, tokens, shape[0], shape[1]);
      }
      copies(device, watch, staging);
    }
  }

  private static void time(
      Device device,
      MatrixProducts products,
      Stopwatch watch,
      Staging staging,
      int tokens,
      int in,
      int out) {
    try (DeviceArena arena = new DeviceArena(device, "the workbench")) {
      Tensor x = filled(arena, staging, tokens, in);
      Tensor weight = filled(arena, staging, out, in);
      Tensor y = filled(arena, staging, tokens, out);
      Tensor gradient = arena.allocate(DType.F32, out, in);
      report(
          watch,
          "y  = x·Wt ",
          tokens,
          in,
          out,
          () -> products.multiply(false, x, true, weight, 1, 0, y));
      report(
          watch,
          "y += x·Wt ",
          tokens,
          in,
          out,
          () -> products.multiply(false, x, true, weight, 1, 1, y));
      report(
          watch,
          "dx = dy·W ",
          tokens,
          in,
          out,
          () -> products.multiply(false, y, false, weight, 1, 0, x));
      report(
          watch,
          "dW += dyt·x",
          tokens,
          in,
          out,
          () -> products.multiply(true, y, false, x, 1, 1, gradient));
    }
  }

  private static void report(
      Stopwatch watch, String what, int tokens, int in, int out, Runnable product) {
    product.run();
    product.run();
    watch.start();
    long begun = System.nanoTime();
    for (int i = 0; i < REPEATS; i++) {
      product.run();
    }
    double host = (System.nanoTime() - begun) / 1e3 / REPEATS;
    double milliseconds = watch.stop() / REPEATS;
    System.out.printf(
        Locale.ROOT,
        "%s %5d x %5d: %8.1f us, %6.1f TFLOP/s, host %5.1f us%n",
        what,
        in,
        out,
        milliseconds * 1e3,
        2.0 * tokens * in * out / milliseconds / 1e9,
        host);
  }

  private static Tensor filled(DeviceArena arena, Staging staging, int rows, int columns) {
    Tensor tensor = arena.allocate(DType.BF16, rows, columns);
    try (Arena host = new Arena("the workbench")) {
      Tensor values = host.allocate(DType.BF16, rows, columns);
      long state = 1;
      for (long i = 0; i < values.size(); i++) {
        state = state * 6364136223846793005L + 1442695040888963407L;
        float value = (state >> 40) * 0x1p-24f;
        Memory.putShort(values.address() + 2 * i, (short) (Float.floatToRawIntBits(value) >>> 16));
      }
      staging.upload(values, tensor);
    }
    return tensor;
  }

  private static void copies(Device device, Stopwatch watch, Staging staging) {
    try (DeviceArena arena = new DeviceArena(device, "the workbench");
        Arena host = new Arena("the workbench")) {
      Tensor there = arena.allocate(DType.F32, 1 << 29);
      Tensor other = arena.allocate(DType.F32, 1 << 29);
      staging.copy(there, other);
      watch.start();
      staging.copy(there, other);
      System.out.printf(
          Locale.ROOT,
          "copied at %.0f GB/s (read and written)%n",
          4.0 * (1L << 30) / 1e6 / watch.stop());
      Tensor here = host.allocate(DType.F32, 1 << 28);
      long begun = System.nanoTime();
      staging.upload(here, there.view(0, 1 << 28));
      device.synchronize();
      double up = (1L << 30) / (double) (System.nanoTime() - begun);
      begun = System.nanoTime();
      staging.download(there.view(0, 1 << 28), here);
      double down = (1L << 30) / (double) (System.nanoTime() - begun);
      System.out.printf(Locale.ROOT, "to the device %.1f GB/s, back %.1f GB/s%n", up, down);
    }
  }
}
