package org.sparktune.trainer.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.TensorMap;
import org.sparktune.trainer.memory.Tensor;

/**
 * BF16 attention by the tensor cores of compute capability 8.0 and later, for heads of up to 128
 * elements.
 */
final class AmpereAttention implements AttentionKernels {
  private static final String FORWARD = "attention_ampere.cu";
  private static final String GRADIENT = "attention_ampere_gradient.cu";
  private static final int LARGEST_HEAD = 128;
  private static final int THREADS = 128;

  /** Rows of a tile. */
  private static final int TILE = 64;

  /** Keys that the forward pass multiplies with at once. */
  private static final int FORWARD_CHUNK = 64;

  /** Rows that the gradient multiplies with at once. */
  private static final int CHUNK = 32;

  private static final int STAGES = 2;
  private static final int ALIGNMENT = 128;

  private record Functions(Kernel forward, Kernel queryGradient, Kernel keyGradient) {}

  private final Kernels kernels;
  private final PlainAttention plain;
  private final Map<Integer, Functions> functions = new HashMap<>();

  AmpereAttention(Kernels kernels, PlainAttention plain) {
    this.kernels = kernels;
    this.plain = plain;
  }

  @Override
  public boolean serves(AttentionShape shape, Tensor... tensors) {
    return shape.headSize() <= LARGEST_HEAD && TensorMap.reaches(shape.headSize(), tensors);
  }

  private Functions functions(int headSize) {
    return functions.computeIfAbsent(
        headSize,
        key ->
            new Functions(
                kernel(FORWARD, "attentionForward", key),
                kernel(GRADIENT, "attentionQueryGradient", key),
                kernel(GRADIENT, "attentionKeyGradient", key)));
  }

  private Kernel kernel(String file, String name, int headSize) {
    return kernels.get(file, name, "-DHEAD_SIZE=" + headSize);
  }

  /** Bytes of so many rows of a head in shared memory. */
  private static int tileBytes(int rows, int headSize) {
    return rows * 128 * (headSize > 64 ? 2 : 1);
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
    int size = shape.headSize();
    AttentionRuns.Tiles tiles = runs.tiles(new AttentionRuns.Cut(TILE, false, shape.window()));
    Kernel forward = functions(size).forward();
    forward.withRows(q).withRows(k).withRows(v).withRows(out).with(logSumExp);
    PlainAttention.withRuns(forward, runs, tiles, shape)
        .launch(
            (long) tiles.count() * shape.heads(),
            1,
            1,
            THREADS,
            tileBytes(TILE, size) + 2 * STAGES * tileBytes(FORWARD_CHUNK, size) + ALIGNMENT);
  }

  @Override
  public void delta(Tensor dOut, Tensor out, AttentionShape shape, long delta) {
    plain.delta(dOut, out, shape, delta);
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
    int size = shape.headSize();
    int statistics = 2 * CHUNK * Float.BYTES;
    int sharedBytes =
        2 * tileBytes(TILE, size) + STAGES * (2 * tileBytes(CHUNK, size) + statistics) + ALIGNMENT;
    AttentionRuns.Tiles queries = runs.tiles(new AttentionRuns.Cut(TILE, false, shape.window()));
    Kernel queryGradient = functions(size).queryGradient();
    queryGradient.withRows(dOut).withRows(q).withRows(k).withRows(v).with(logSumExp).with(delta);
    queryGradient.withRows(dq);
    PlainAttention.withRuns(queryGradient, runs, queries, shape)
        .launch((long) queries.count() * shape.heads(), 1, 1, THREADS, sharedBytes);
    AttentionRuns.Tiles keys = runs.tiles(new AttentionRuns.Cut(TILE, true, shape.window()));
    Kernel keyGradient = functions(size).keyGradient();
    keyGradient.withRows(dOut).withRows(q).withRows(k).withRows(v).with(logSumExp).with(delta);
    keyGradient.withRows(dk).withRows(dv);
    PlainAttention.withRuns(keyGradient, runs, keys, shape)
        .launch((long) keys.count() * shape.keyValueHeads(), 1, 1, THREADS, sharedBytes);
  }
}
