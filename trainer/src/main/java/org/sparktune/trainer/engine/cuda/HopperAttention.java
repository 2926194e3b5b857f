package org.sparktune.trainer.engine.cuda;

import java.util.HashMap;
import java.util.Map;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.TensorMap;
import org.sparktune.trainer.memory.Tensor;

/** BF16 attention by the tensor cores of Hopper, for heads of up to 128 elements. */
final class HopperAttention implements AttentionKernels {
  private static final String FORWARD = "attention_hopper.cu";
  private static final String GRADIENT = "attention_hopper_gradient.cu";
  private static final int CAPABILITY = 90;
  private static final int LARGEST_HEAD = 128;

  /** Columns and bytes of what the copy engine fetches a row of. */
  private static final int PANEL = 64;

  private static final int PANEL_BYTES = 128;
  private static final int GROUP = 128;

  /** Keys of a tile of the gradient, and rows of the chunks that tiles are multiplied with. */
  private static final int TILE = 128;

  private static final int CHUNK = 64;
  private static final int STAGES = 3;

  /** Keys of a chunk of the forward pass. */
  private static final int FORWARD_CHUNK = 128;

  private static final int FORWARD_STAGES = 2;

  /** Barriers, and what aligning the tiles takes. */
  private static final int EXTRA_BYTES = 2048;

  private record Functions(
      Kernel forward, Kernel delta, Kernel queryGradient, Kernel keyGradient) {}

  private final Kernels kernels;
  private final int multiprocessors;
  private final Map<Integer, Functions> functions = new HashMap<>();
  private final TensorMap dOutMap = new TensorMap();
  private final TensorMap queryMap = new TensorMap();
  private final TensorMap keyMap = new TensorMap();
  private final TensorMap valueMap = new TensorMap();

  HopperAttention(Device device, Kernels kernels) {
    this.kernels = kernels;
    multiprocessors = device.multiprocessors();
  }

  /** Whether a GPU has the instructions; its successors do not. */
  static boolean runsOn(Device device) {
    return device.capability() == CAPABILITY;
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
                kernel(GRADIENT, "attentionDelta", key),
                kernel(GRADIENT, "attentionQueryGradient", key),
                kernel(GRADIENT, "attentionKeyGradient", key)));
  }

  private Kernel kernel(String file, String name, int headSize) {
    return kernels.get(file, name, "-DHEAD_SIZE=" + headSize);
  }

  /** Bytes of so many rows of a head in shared memory. */
  private static int tileBytes(int rows, int headSize) {
    return rows * PANEL_BYTES * (headSize > PANEL ? 2 : 1);
  }

  /** Warp groups that multiply: small heads leave registers for one more. */
  private static int queryGroups(int headSize) {
    return headSize > PANEL ? 2 : 3;
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
    int groups = queryGroups(size);
    int rows = groups * PANEL;
    AttentionRuns.Tiles tiles = runs.tiles(new AttentionRuns.Cut(rows, false, shape.window()));
    Kernel forward = functions(size).forward();
    forward
        .with(queryMap.of(q, shape.heads(), size))
        .with(keyMap.of(k, shape.keyValueHeads(), size))
        .with(valueMap.of(v, shape.keyValueHeads(), size))
        .withRows(out)
        .with(logSumExp);
    launch(
        forward,
        runs,
        tiles,
        shape.heads(),
        shape,
        (groups + 1) * GROUP,
        2 * tileBytes(rows, size) + 2 * FORWARD_STAGES * tileBytes(FORWARD_CHUNK, size));
  }

  /** Launches one block a multiprocessor, or one a piece of work where there is less of it. */
  private void launch(
      Kernel kernel,
      AttentionRuns runs,
      AttentionRuns.Tiles tiles,
      int headsOfTile,
      AttentionShape shape,
      int threads,
      int tileBytes) {
    int count = Math.multiplyExact(tiles.count(), headsOfTile);
    kernel
        .with(runs.address())
        .with(tiles.address())
        .with(count)
        .with(shape.heads())
        .with(shape.heads() / shape.keyValueHeads())
        .with(shape.scale())
        .with(shape.window())
        .launch(Math.min(count, multiprocessors), 1, 1, threads, tileBytes + EXTRA_BYTES);
  }

  @Override
  public void delta(Tensor dOut, Tensor out, AttentionShape shape, long delta) {
    long count = dOut.rows() * shape.heads();
    int headsOfBlock = GROUP / 8;
    functions(shape.headSize())
        .delta()
        .withRows(dOut)
        .withRows(out)
        .with(delta)
        .with(count)
        .with(shape.heads())
        .launch((count + headsOfBlock - 1) / headsOfBlock, GROUP);
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
    int groups = queryGroups(size);
    int rows = groups * PANEL;
    int ring = STAGES * 2 * tileBytes(CHUNK, size);
    int floatsOfRow = 2 * Float.BYTES;
    dOutMap.of(dOut, shape.heads(), size);
    queryMap.of(q, shape.heads(), size);
    keyMap.of(k, shape.keyValueHeads(), size);
    valueMap.of(v, shape.keyValueHeads(), size);
    AttentionRuns.Tiles queries = runs.tiles(new AttentionRuns.Cut(rows, false, shape.window()));
    Kernel queryGradient = functions(size).queryGradient();
    queryGradient.with(dOutMap).with(queryMap).with(keyMap).with(valueMap);
    queryGradient.with(logSumExp).with(delta).withRows(dq);
    launch(
        queryGradient,
        runs,
        queries,
        shape.heads(),
        shape,
        (groups + 1) * GROUP,
        3 * tileBytes(rows, size) + ring + rows * floatsOfRow);
    AttentionRuns.Tiles keys = runs.tiles(new AttentionRuns.Cut(TILE, true, shape.window()));
    Kernel keyGradient = functions(size).keyGradient();
    keyGradient.with(dOutMap).with(queryMap).with(keyMap).with(valueMap);
    keyGradient.with(logSumExp).with(delta).withRows(dk).withRows(dv);
    launch(
        keyGradient,
        runs,
        keys,
        shape.keyValueHeads(),
        shape,
        3 * GROUP,
        3 * tileBytes(TILE, size) + ring + STAGES * CHUNK * floatsOfRow);
  }
}
