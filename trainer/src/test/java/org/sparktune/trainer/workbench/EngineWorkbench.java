package org.sparktune.trainer.workbench;

import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.util.List;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Times single operators at the shapes of two models on one thread, in processor time, so that
 * other programs disturb little. Not a test: run {@code main}.
 *
 * <p>Usage: {@code EngineWorkbench fp32|bf16 [name-prefix]}
 */
public final class EngineWorkbench {
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int REPETITIONS = 25;

  private final Engine engine;
  private final String prefix;

  private EngineWorkbench(Engine engine, String prefix) {
    this.engine = engine;
    this.prefix = prefix;
  }

  /** Runs the workbench. */
  public static void main(String[] arguments) {
    try (Engine engine = Engines.open(arguments[0], 1, "cpu")) {
      EngineWorkbench workbench =
          new EngineWorkbench(engine, arguments.length > 1 ? arguments[1] : "");
      workbench.linears(512, 896, 1152);
      workbench.linears(512, 896, 896);
      workbench.linears(512, 896, 9728);
      workbench.linears(512, 4864, 896);
      workbench.linears(2048, 512, 768);
      workbench.linears(2048, 512, 3072);
      workbench.linears(2048, 1536, 512);
      workbench.linears(1, 896, 9728);
      workbench.factors(512, 896, 9728, 16, 8);
      workbench.factors(512, 4864, 896, 8, 8);
      workbench.factors(2048, 512, 3072, 16, 8);
      workbench.attention(512, 1, 14, 2, 64);
      workbench.attention(512, 4, 8, 2, 64);
      workbench.loss(512, 896, 151936);
      workbench.loss(2048, 512, 32000);
      workbench.rows(512, 896, 4864);
    }
  }

  private void linears(int rows, int in, int out) {
    String size = "%d x %d -> %d".formatted(rows, in, out);
    DType type = engine.precision() == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
    Tensor x = engine.allocate(DType.F32, rows, in);
    Tensor y = engine.allocate(DType.F32, rows, out);
    Weight weight = engine.freeze(engine.allocate(type, out, in));
    double flops = 2.0 * rows * in * out;
    time("linear " + size, flops, () -> engine.linear(x, weight, null, y, false));
    time("linear gradient " + size, flops, () -> engine.linearInputGradient(y, weight, x, false));
  }

  private void factors(int rows, int in, int out, int rank, int moduleRank) {
    String size = "%d x %d -> %d -> %d".formatted(rows, in, rank, out);
    Tensor x = engine.allocate(DType.F32, rows, in);
    Tensor y = engine.allocate(DType.F32, rows, out);
    Tensor reduced = engine.allocate(DType.F32, rows, rank);
    Tensor down = engine.allocate(DType.F32, rank, in);
    Tensor up = engine.allocate(DType.F32, out, moduleRank);
    Tensor part = reduced.columns(0, moduleRank);
    double first = 2.0 * rows * in * rank;
    double second = 2.0 * rows * out * moduleRank;
    time("factor x·Aᵀ " + size, first, () -> engine.product(false, x, true, down, 1, 0, reduced));
    time("factor t·Bᵀ " + size, second, () -> engine.product(false, part, true, up, 2, 1, y));
    DType type = engine.precision() == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
    Weight weight = engine.freeze(engine.allocate(type, out, in));
    List<LowRank> added = List.of(new LowRank(part, up, 2, 0));
    double both = 2.0 * rows * in * out + second;
    Runnable separate =
        () -> {
          engine.linear(x, weight, null, y, false);
          engine.product(false, part, true, up, 2, 1, y);
        };
    time("linear, then t·Bᵀ " + size, both, separate);
    time("linear with t·Bᵀ " + size, both, () -> engine.linear(x, weight, null, y, false, added));
    time("linear, then t·Bᵀ " + size, both, separate);
    time("linear with t·Bᵀ " + size, both, () -> engine.linear(x, weight, null, y, false, added));
    time("factor dyᵀ·t " + size, second, () -> engine.product(true, y, false, part, 2, 1, up));
    time("factor dy·B " + size, second, () -> engine.product(false, y, false, up, 2, 0, part));
    time("factor dtᵀ·x " + size, first, () -> engine.product(true, reduced, false, x, 1, 1, down));
    time("factor dt·A " + size, first, () -> engine.product(false, reduced, false, down, 1, 1, x));
  }

  private void attention(int length, int documents, int heads, int shared, int size) {
    int rows = length * documents;
    String name = "%d x %d, %d/%d heads of %d".formatted(documents, length, heads, shared, size);
    AttentionShape shape =
        new AttentionShape(heads, shared, size, (float) (1 / Math.sqrt(size)), Integer.MAX_VALUE);
    int[] starts = new int[documents + 1];
    for (int i = 0; i <= documents; i++) {
      starts[i] = i * length;
    }
    Tensor wide = engine.allocate(DType.F32, rows, (long) (heads + 2 * shared) * size);
    Tensor q = wide.columns(0, (long) heads * size);
    Tensor k = wide.columns((long) heads * size, (long) (heads + shared) * size);
    Tensor v = wide.columns((long) (heads + shared) * size, (long) (heads + 2 * shared) * size);
    Tensor out = engine.allocate(DType.F32, rows, (long) heads * size);
    Tensor sums = engine.allocate(DType.F32, rows, heads);
    double flops = 4.0 * rows * length / 2 * heads * size;
    time("attention " + name, flops, () -> engine.attention(q, k, v, starts, shape, out, sums));
    time(
        "attention gradient " + name,
        2.5 * flops,
        () -> engine.attentionGradient(out, q, k, v, out, sums, starts, shape, q, k, v));
  }

  private void loss(int rows, int hidden, int vocabulary) {
    Tensor x = engine.allocate(DType.F32, rows, hidden);
    Tensor dx = engine.allocate(DType.F32, rows, hidden);
    DType type = engine.precision() == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
    Weight head = engine.freeze(engine.allocate(type, vocabulary, hidden));
    Tensor upstream = engine.allocate(DType.F32, rows);
    Tensor logProbs = engine.allocate(DType.F32, rows);
    time(
        "loss %d x %d -> %d".formatted(rows, hidden, vocabulary),
        4.0 * rows * hidden * vocabulary,
        () -> engine.tokenLossAndGradient(x, head, new int[rows], upstream, logProbs, dx, null));
  }

  private void rows(int rows, int hidden, int feedForward) {
    Tensor x = engine.allocate(DType.F32, rows, hidden);
    Tensor y = engine.allocate(DType.F32, rows, hidden);
    Tensor weight = engine.allocate(DType.F32, hidden);
    Tensor inverse = engine.allocate(DType.F32, rows);
    time("rmsNorm", 0, () -> engine.rmsNorm(x, weight, 1e-6f, y, inverse));
    time(
        "rmsNormGradient", 0, () -> engine.rmsNormGradient(x, y, weight, inverse, y, true, weight));
    time("add", 0, () -> engine.add(x, y));
    Tensor table = engine.allocate(DType.F32, rows, 32);
    int[] positions = new int[rows];
    time("rope", 0, () -> engine.rope(x, table, table, positions, 64, false));
    Tensor gate = engine.allocate(DType.F32, rows, feedForward);
    Tensor up = engine.allocate(DType.F32, rows, feedForward);
    Tensor out = engine.allocate(DType.F32, rows, feedForward);
    time("swiglu", 0, () -> engine.swiglu(gate, up, out));
    time("swigluGradient", 0, () -> engine.swigluGradient(out, gate, up, gate, up));
  }

  private void time(String name, double flops, Runnable work) {
    if (!name.startsWith(prefix)) {
      return;
    }
    long best = Long.MAX_VALUE;
    long spent = 0;
    for (int i = 0; i < REPETITIONS || spent < 400_000_000L; i++) {
      long start = THREADS.getCurrentThreadCpuTime();
      work.run();
      long taken = THREADS.getCurrentThreadCpuTime() - start;
      best = Math.min(best, taken);
      spent += taken;
      if (spent > 4_000_000_000L) {
        break;
      }
    }
    System.out.printf("%-55s %9.3f ms %8.1f GFLOP/s%n", name, best / 1e6, flops / best);
  }
}
