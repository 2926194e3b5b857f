package org.sparktune.trainer.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Attention of single new tokens against cached keys and values. Long sequences are split between
 * blocks; a token's result does not depend on what else is in the pass.
 */
final class CachedAttention implements AutoCloseable {
  private static final String FILE = "attention_cached.cu";
  private static final int THREADS = 128;

  /** Keys of one block. */
  private static final int SPLIT = 64;

  /** Query heads of one block at most. */
  private static final int MOST_MEMBERS = 8;

  private record Variant(int headSize, DType type, int members) {}

  private record Functions(Kernel append, Kernel attend, Kernel join) {}

  private final Kernels kernels;
  private final DeviceScratch partial;
  private final Map<Variant, Functions> functions = new HashMap<>();

  CachedAttention(Device device, Kernels kernels) {
    this.kernels = kernels;
    partial = new DeviceScratch(device, "attention to caches");
  }

  private Functions functions(AttentionShape shape, DType type) {
    return functions.computeIfAbsent(
        new Variant(shape.headSize(), type, members(shape)),
        key ->
            new Functions(
                kernel(key, "attentionAppend"),
                kernel(key, "attentionCached"),
                kernel(key, "attentionJoin")));
  }

  private static int members(AttentionShape shape) {
    return Math.min(MOST_MEMBERS, shape.heads() / shape.keyValueHeads());
  }

  private Kernel kernel(Variant variant, String name) {
    return kernels.get(
        FILE,
        name,
        "-DHEAD_SIZE=" + variant.headSize(),
        "-DBF16=" + (variant.type() == DType.BF16 ? 1 : 0),
        "-DMEMBERS=" + variant.members());
  }

  /**
   * Puts new keys and values at their places.
   *
   * @param k {@code (N, K·D)}
   * @param v {@code (N, K·D)}
   * @param keys {@code (rows, K·D)}, contiguous
   * @param values as keys
   * @param places address of N pairs: the first row of the token's sequence, its position
   */
  void append(Tensor k, Tensor v, Tensor keys, Tensor values, long places, AttentionShape shape) {
    functions(shape, k.type())
        .append()
        .withRows(k)
        .withRows(v)
        .with(keys)
        .with(values)
        .with(Math.toIntExact(keys.columns()))
        .with(places)
        .launch(k.rows(), THREADS);
  }

  /**
   * Attends.
   *
   * @param q {@code (N, H·D)}
   * @param longest the largest position plus one
   * @param out {@code (N, H·D)}
   */
  void attend(
      Tensor q,
      Tensor keys,
      Tensor values,
      long places,
      int longest,
      AttentionShape shape,
      Tensor out) {
    Functions all = functions(shape, q.type());
    int group = shape.heads() / shape.keyValueHeads();
    int members = members(shape);
    int splits = (longest + SPLIT - 1) / SPLIT;
    long pieces = q.rows() * shape.heads() * splits;
    long sums = splits == 1 ? 0 : partial.reserve(pieces * (shape.headSize() + 2) * Float.BYTES);
    long statistics = splits == 1 ? 0 : sums + pieces * shape.headSize() * Float.BYTES;
    all.attend()
        .withRows(q)
        .with(keys)
        .with(values)
        .with(Math.toIntExact(keys.columns()))
        .withRows(out)
        .with(places)
        .with(shape.heads())
        .with(group)
        .with(shape.scale())
        .with(shape.window())
        .with(sums)
        .with(statistics)
        .launch(
            q.rows(),
            (long) shape.keyValueHeads() * ((group + members - 1) / members),
            splits,
            THREADS,
            0);
    if (splits > 1) {
      long pairs = q.rows() * shape.heads();
      int warps = THREADS / 32;
      all.join()
          .with(sums)
          .with(statistics)
          .with(splits)
          .withRows(out)
          .with(shape.heads())
          .with(pairs)
          .launch((pairs + warps - 1) / warps, THREADS);
    }
  }

  @Override
  public void close() {
    partial.close();
  }
}
