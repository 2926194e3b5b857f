package org.sparktune.trainer.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Attention in F32 arithmetic, for F32 and BF16 tensors and heads of up to 256 elements: what F32
 * training runs, and what runs where tensor cores have no kernel for a shape.
 */
final class PlainAttention implements AttentionKernels {
  /** The largest head size. */
  static final int LARGEST_HEAD = 256;

  private static final String FILE = "attention_plain.cu";
  private static final int WARPS = 8;
  private static final int THREADS = WARPS * 32;
  private static final int CHUNK = 32;

  private record Variant(int headSize, DType type) {
    int rowsOfTile() {
      return WARPS * (headSize > 128 ? 2 : 4);
    }

    /** Shared memory for so many rows. */
    int sharedBytes(int rows) {
      return rows * (headSize + 1) * Float.BYTES;
    }
  }

  private record Functions(
      Kernel forward, Kernel delta, Kernel queryGradient, Kernel keyGradient) {}

  private final Kernels kernels;
  private final Map<Variant, Functions> functions = new HashMap<>();

  PlainAttention(Kernels kernels) {
    this.kernels = kernels;
  }

  private Functions functions(Variant variant) {
    return functions.computeIfAbsent(
        variant,
        key ->
            new Functions(
                kernel(key, "attentionForward"),
                kernel(key, "attentionDelta"),
                kernel(key, "attentionQueryGradient"),
                kernel(key, "attentionKeyGradient")));
  }

  private Kernel kernel(Variant variant, String name) {
    return kernels.get(
        FILE,
        name,
        "-DHEAD_SIZE=" + variant.headSize(),
        "-DBF16=" + (variant.type() == DType.BF16 ? 1 : 0));
  }

  @Override
  public boolean serves(AttentionShape shape, Tensor... tensors) {
    return shape.headSize() <= LARGEST_HEAD;
  }

  @Override
  public void forward(
      Tensor q,
      Tensor k,
      Tensor v,
      AttentionRuns runs,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp) {
    Variant variant = new Variant(shape.headSize(), q.type());
    AttentionRuns.Tiles tiles =
        runs.tiles(new AttentionRuns.Cut(variant.rowsOfTile(), false, shape.window()));
    Kernel forward = functions(variant).forward();
    forward.withRows(q).withRows(k).withRows(v).withRows(out).with(logSumExp);
    withRuns(forward, runs, tiles, shape)
        .launch(
            (long) tiles.count() * shape.heads(),
            1,
            1,
            THREADS,
            variant.sharedBytes(variant.rowsOfTile() + CHUNK));
  }

  @Override
  public void delta(Tensor dOut, Tensor out, AttentionShape shape, long delta) {
    long count = dOut.rows() * shape.heads();
    functions(new Variant(shape.headSize(), dOut.type()))
        .delta()
        .withRows(dOut)
        .withRows(out)
        .with(delta)
        .with(count)
        .with(shape.heads())
        .launch((count + WARPS - 1) / WARPS, THREADS);
  }

  @Override
  public void gradient(
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor logSumExp,
      long delta,
      AttentionRuns runs,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    Variant variant = new Variant(shape.headSize(), q.type());
    int rows = variant.rowsOfTile();
    int sharedBytes = variant.sharedBytes(2 * (rows + CHUNK));
    AttentionRuns.Tiles queries = runs.tiles(new AttentionRuns.Cut(rows, false, shape.window()));
    AttentionRuns.Tiles keys = runs.tiles(new AttentionRuns.Cut(rows, true, shape.window()));
    Kernel queryGradient = functions(variant).queryGradient();
    queryGradient.withRows(dOut).withRows(q).withRows(k).withRows(v).with(logSumExp).with(delta);
    queryGradient.withRows(dq);
    withRuns(queryGradient, runs, queries, shape)
        .launch((long) queries.count() * shape.heads(), 1, 1, THREADS, sharedBytes);
    Kernel keyGradient = functions(variant).keyGradient();
    keyGradient.withRows(dOut).withRows(q).withRows(k).withRows(v).with(logSumExp).with(delta);
    keyGradient.withRows(dk).withRows(dv);
    withRuns(keyGradient, runs, keys, shape)
        .launch((long) keys.count() * shape.keyValueHeads(), 1, 1, THREADS, sharedBytes);
  }

  /** Adds what kernels of a block a tile and head take last. */
  static Kernel withRuns(
      Kernel kernel, AttentionRuns runs, AttentionRuns.Tiles tiles, AttentionShape shape) {
    return kernel
        .with(runs.address())
        .with(tiles.address())
        .with(shape.heads())
        .with(shape.heads() / shape.keyValueHeads())
        .with(shape.scale())
        .with(shape.window());
  }
}
