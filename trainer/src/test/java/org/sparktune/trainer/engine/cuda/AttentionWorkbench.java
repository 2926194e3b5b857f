package org.sparktune.trainer.engine.cuda;

import java.util.Arrays;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cuda.AttentionTwins.Pair;
import org.sparktune.trainer.engine.cuda.runtime.Stopwatch;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Times attention on the GPU; prints milliseconds and TFLOP/s: medians of 12 means of 10. */
public final class AttentionWorkbench {
  private static final int TIMES = 12;
  private static final int AT_ONCE = 10;

  private AttentionWorkbench() {}

  /** Runs all shapes. */
  public static void main(String[] arguments) {
    try (AttentionTwins twins = new AttentionTwins(1)) {
      measure(twins, new AttentionShape(14, 2, 64, 0.125f, Integer.MAX_VALUE), 8, 2048);
      measure(twins, new AttentionShape(12, 2, 128, 0.0883f, Integer.MAX_VALUE), 8, 2048);
      measure(twins, new AttentionShape(32, 8, 128, 0.0883f, Integer.MAX_VALUE), 4, 2048);
      measure(twins, new AttentionShape(32, 32, 96, 0.102f, Integer.MAX_VALUE), 4, 2048);
    }
  }

  private static void measure(
      AttentionTwins twins, AttentionShape shape, int documents, int length) {
    int[] starts = new int[documents + 1];
    Arrays.setAll(starts, i -> i * length);
    long rows = (long) documents * length;
    long wide = (long) shape.heads() * shape.headSize();
    long narrow = (long) shape.keyValueHeads() * shape.headSize();
    Pair q = twins.random(DType.BF16, rows, wide);
    Pair k = twins.random(DType.BF16, rows, narrow);
    Pair v = twins.random(DType.BF16, rows, narrow);
    Pair dOut = twins.random(DType.BF16, rows, wide);
    Tensor out = twins.result(DType.BF16, rows, wide);
    Tensor sums = twins.result(DType.F32, rows, shape.heads());
    Tensor dq = twins.result(DType.BF16, rows, wide);
    Tensor dk = twins.result(DType.BF16, rows, narrow);
    Tensor dv = twins.result(DType.BF16, rows, narrow);
    float forward =
        median(
            twins,
            () ->
                twins.fast.forward(
                    q.onDevice(), k.onDevice(), v.onDevice(), starts, shape, out, sums));
    float backward =
        median(
            twins,
            () ->
                twins.fast.gradient(
                    dOut.onDevice(),
                    q.onDevice(),
                    k.onDevice(),
                    v.onDevice(),
                    out,
                    sums,
                    starts,
                    shape,
                    dq,
                    dk,
                    dv));
    // Two products of (length, D) by (D, length), half of which the causal mask leaves.
    double operations = 2.0 * rows * length * wide;
    System.out.printf(
        "%s, %d documents of %d: forward %.3f ms, %.0f TFLOP/s; backward %.3f ms, %.0f TFLOP/s%n",
        shape,
        documents,
        length,
        forward,
        operations / forward / 1e9,
        backward,
        2.5 * operations / backward / 1e9);
  }

  private static float median(AttentionTwins twins, Runnable work) {
    work.run();
    float[] milliseconds = new float[TIMES];
    try (Stopwatch stopwatch = new Stopwatch(twins.device)) {
      for (int i = 0; i < TIMES; i++) {
        stopwatch.start();
        for (int run = 0; run < AT_ONCE; run++) {
          work.run();
        }
        milliseconds[i] = stopwatch.stop() / AT_ONCE;
      }
    }
    Arrays.sort(milliseconds);
    return milliseconds[TIMES / 2];
  }
}
