package org.sparktune.trainer.engine.cpu;

import java.util.Arrays;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cpu.vector.SoftmaxKernels;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Attention of one head over one run of positions, in blocks of 64 queries by up to 512 keys with a
 * running maximum and sum (Dao 2023, Algorithm 1): the scores of one block are all that is held.
 */
final class BlockAttention {
  private final boolean bf16;
  private final AttentionShape shape;
  private final HeadBlocks blocks;
  private final Tensor q;
  private final Tensor out;
  private final Tensor logSumExp;

  BlockAttention(boolean bf16, AttentionShape shape, Tensor q, Tensor out, Tensor logSumExp) {
    this.bf16 = bf16;
    this.shape = shape;
    this.blocks = new HeadBlocks(bf16, shape);
    this.q = q;
    this.out = out;
    this.logSumExp = logSumExp;
  }

  /** What a worker holds for so many keys. */
  static long scratchBytes(HeadBlocks blocks, int headSize, int keys) {
    long scoreBytes = (long) HeadBlocks.QUERIES * HeadBlocks.KEYS * Float.BYTES;
    long sumBytes = (long) HeadBlocks.QUERIES * headSize * Float.BYTES;
    return 2 * blocks.copyBytes(keys)
        + blocks.copyBytes(HeadBlocks.QUERIES)
        + 2 * scoreBytes
        + sumBytes;
  }

  /**
   * Attends.
   *
   * @param k keys, whose row {@code keyRow} is position 0
   * @param v values
   * @param keyRow the row of k and v at position 0
   * @param keys how many positions there are
   * @param queryRow the first query's row in q and out
   * @param queries how many queries; they are the last of the positions
   * @param head the query head
   */
  void run(
      Tensor k,
      Tensor v,
      int keyRow,
      int keys,
      int queryRow,
      int queries,
      int head,
      Worker worker) {
    int size = shape.headSize();
    long copies = blocks.copyBytes(keys);
    long queryBytes = blocks.copyBytes(HeadBlocks.QUERIES);
    long scoreBytes = (long) HeadBlocks.QUERIES * HeadBlocks.KEYS * Float.BYTES;
    long keyCopy = worker.scratch(scratchBytes(blocks, size, keys));
    long valueCopy = keyCopy + copies;
    long queryCopy = valueCopy + copies;
    long scores = queryCopy + queryBytes;
    // BF16 probabilities cannot overwrite the scores they are made from: rows would overlap.
    long probabilities = bf16 ? scores + scoreBytes : scores;
    long sums = scores + 2 * scoreBytes;
    int shared = head / (shape.heads() / shape.keyValueHeads());
    blocks.copy(k, keyRow, keys, shared, keyCopy, worker);
    blocks.copy(v, keyRow, keys, shared, valueCopy, worker);
    Memory.fill(probabilities, scoreBytes, (byte) 0);
    float[] maxima = new float[HeadBlocks.QUERIES];
    float[] totals = new float[HeadBlocks.QUERIES];
    for (int start = 0; start < queries; start += HeadBlocks.QUERIES) {
      int rows = Math.min(HeadBlocks.QUERIES, queries - start);
      int position = keys - queries + start;
      blocks.copy(q, queryRow + start, rows, head, queryCopy, worker);
      Arrays.fill(maxima, Float.NEGATIVE_INFINITY);
      Arrays.fill(totals, 0);
      int last = position + rows;
      int first = firstVisible(position, shape) / HeadBlocks.QUERIES * HeadBlocks.QUERIES;
      for (int chunk = first; chunk < last; chunk += HeadBlocks.KEYS) {
        int width = Math.min(HeadBlocks.KEYS, HeadBlocks.padded(last - chunk));
        long offset = (long) chunk * size * blocks.operandBytes();
        worker.gemm().multiply(blocks.scores(width), queryCopy, keyCopy + offset, 0, scores);
        for (int row = 0; row < rows; row++) {
          softmaxRow(
              scores,
              probabilities,
              sums,
              row,
              position + row,
              chunk,
              width,
              maxima,
              totals,
              worker);
        }
        worker
            .gemm()
            .multiply(
                blocks.weightedSum(width, chunk > first),
                probabilities,
                valueCopy + offset,
                0,
                sums);
      }
      finish(sums, queryRow + start, rows, head, maxima, totals, worker);
    }
  }

  /** The first position that a query at a position sees. */
  static int firstVisible(int position, AttentionShape shape) {
    return (int) Math.max(0L, (long) position - shape.window() + 1);
  }

  /** Puts -∞ where the query may not look; returns whether anything is left to see. */
  static boolean mask(long row, int position, int chunk, int width, AttentionShape shape) {
    int from = Math.max(0, firstVisible(position, shape) - chunk);
    int to = Math.min(width, position + 1 - chunk);
    if (from >= to) {
      return false;
    }
    for (int i = 0; i < from; i++) {
      Memory.putFloat(row + (long) i * Float.BYTES, Float.NEGATIVE_INFINITY);
    }
    for (int i = to; i < width; i++) {
      Memory.putFloat(row + (long) i * Float.BYTES, Float.NEGATIVE_INFINITY);
    }
    return true;
  }

  private void softmaxRow(
      long scores,
      long probabilities,
      long sums,
      int row,
      int position,
      int chunk,
      int width,
      float[] maxima,
      float[] totals,
      Worker worker) {
    long from = scores + (long) row * width * Float.BYTES;
    long to = probabilities + (long) row * width * blocks.operandBytes();
    if (!mask(from, position, chunk, width, shape)) {
      Memory.fill(to, (long) width * blocks.operandBytes(), (byte) 0);
      return;
    }
    SoftmaxKernels kernels = worker.kernels().softmax();
    float max = Math.max(maxima[row], kernels.max(from, width) * shape.scale());
    if (totals[row] != 0 && max > maxima[row]) {
      float correction = SoftmaxKernels.exponential(maxima[row] - max);
      totals[row] *= correction;
      long sum = sums + (long) row * shape.headSize() * Float.BYTES;
      worker.kernels().elements().scale(correction, sum, shape.headSize());
    }
    maxima[row] = max;
    totals[row] += kernels.exponentials(from, shape.scale(), max, width);
    if (bf16) {
      worker.kernels().elements().toBf16(from, to, width);
    }
  }

  private void finish(
      long sums, int firstRow, int rows, int head, float[] maxima, float[] totals, Worker worker) {
    int size = shape.headSize();
    for (int row = 0; row < rows; row++) {
      long sum = sums + (long) row * size * Float.BYTES;
      worker.kernels().elements().scale(1 / totals[row], sum, size);
      long target = out.rowAddress(firstRow + row) + (long) head * size * Float.BYTES;
      Memory.copy(sum, target, (long) size * Float.BYTES);
      if (logSumExp != null) {
        logSumExp.setFloat(
            (long) (firstRow + row) * shape.heads() + head,
            (float) (maxima[row] + StrictMath.log(totals[row])));
      }
    }
  }
}
