package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.cpu.vector.SoftmaxKernels;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * The gradient of {@link BlockAttention} for one head of one document: probabilities are recomputed
 * block by block from the kept log-sum-exp (Dao 2023, Algorithm 2).
 */
final class BlockAttentionGradient {
  private final boolean bf16;
  private final AttentionShape shape;
  private final HeadBlocks blocks;
  private final Tensor dOut;
  private final Tensor q;
  private final Tensor k;
  private final Tensor v;
  private final Tensor out;
  private final Tensor logSumExp;

  BlockAttentionGradient(
      boolean bf16,
      AttentionShape shape,
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp) {
    this.bf16 = bf16;
    this.shape = shape;
    this.blocks = new HeadBlocks(bf16, shape);
    this.dOut = dOut;
    this.q = q;
    this.k = k;
    this.v = v;
    this.out = out;
    this.logSumExp = logSumExp;
  }

  /** What a worker holds for a document of so many rows. */
  static long scratchBytes(HeadBlocks blocks, int headSize, int length) {
    long scoreBytes = (long) HeadBlocks.QUERIES * HeadBlocks.KEYS * Float.BYTES;
    long sumBytes = (long) HeadBlocks.padded(length) * headSize * Float.BYTES;
    long dqBytes = (long) HeadBlocks.QUERIES * headSize * Float.BYTES;
    return 2 * blocks.copyBytes(length)
        + 2 * blocks.copyBytes(HeadBlocks.QUERIES)
        + 4 * scoreBytes
        + 2 * sumBytes
        + dqBytes;
  }

  /**
   * Computes one head's gradients.
   *
   * @param start the document's first row
   * @param length its rows
   * @param head the query head
   * @param dq {@code (N, H·D)}
   * @param dk {@code (N, H·D)}: per query head, to be summed over the heads of a group
   * @param dv {@code (N, H·D)}: the same
   */
  void run(int start, int length, int head, Tensor dq, Tensor dk, Tensor dv, Worker worker) {
    int size = shape.headSize();
    long copies = blocks.copyBytes(length);
    long queryBytes = blocks.copyBytes(HeadBlocks.QUERIES);
    long scoreBytes = (long) HeadBlocks.QUERIES * HeadBlocks.KEYS * Float.BYTES;
    long sumBytes = (long) HeadBlocks.padded(length) * size * Float.BYTES;
    long keyCopy = worker.scratch(scratchBytes(blocks, size, length));
    long valueCopy = keyCopy + copies;
    long queryCopy = valueCopy + copies;
    long upstreamCopy = queryCopy + queryBytes;
    long scores = upstreamCopy + queryBytes;
    long upstreamScores = scores + scoreBytes;
    long probabilities = bf16 ? upstreamScores + scoreBytes : scores;
    long gradients = bf16 ? probabilities + scoreBytes : upstreamScores;
    long keySums = scores + 4 * scoreBytes;
    long valueSums = keySums + sumBytes;
    long querySums = valueSums + sumBytes;
    int shared = head / (shape.heads() / shape.keyValueHeads());
    blocks.copy(k, start, length, shared, keyCopy, worker);
    blocks.copy(v, start, length, shared, valueCopy, worker);
    Memory.fill(keySums, 2 * sumBytes, (byte) 0);
    float[] deltas = new float[HeadBlocks.QUERIES];
    Gemm gemm = worker.gemm();
    for (int block = 0; block < length; block += HeadBlocks.QUERIES) {
      int rows = Math.min(HeadBlocks.QUERIES, length - block);
      blocks.copy(q, start + block, rows, head, queryCopy, worker);
      blocks.copy(dOut, start + block, rows, head, upstreamCopy, worker);
      deltas(start + block, rows, head, deltas, worker);
      int last = block + rows;
      int first =
          BlockAttention.firstVisible(block, shape) / HeadBlocks.QUERIES * HeadBlocks.QUERIES;
      for (int chunk = first; chunk < last; chunk += HeadBlocks.KEYS) {
        int width = Math.min(HeadBlocks.KEYS, HeadBlocks.padded(last - chunk));
        long operand = (long) chunk * size * blocks.operandBytes();
        long sum = (long) chunk * size * Float.BYTES;
        gemm.multiply(blocks.scores(width), queryCopy, keyCopy + operand, 0, scores);
        gemm.multiply(blocks.scores(width), upstreamCopy, valueCopy + operand, 0, upstreamScores);
        for (int row = 0; row < HeadBlocks.QUERIES; row++) {
          long offset = (long) row * width;
          long p = probabilities + offset * blocks.operandBytes();
          long ds = gradients + offset * blocks.operandBytes();
          long score = scores + offset * Float.BYTES;
          if (row >= rows || !BlockAttention.mask(score, block + row, chunk, width, shape)) {
            Memory.fill(p, (long) width * blocks.operandBytes(), (byte) 0);
            Memory.fill(ds, (long) width * blocks.operandBytes(), (byte) 0);
          } else {
            long upstream = upstreamScores + offset * Float.BYTES;
            float total = logSumExp.getFloat((long) (start + block + row) * shape.heads() + head);
            SoftmaxKernels softmax = worker.kernels().softmax();
            softmax.exponentials(score, shape.scale(), total, width);
            softmax.softmaxGradient(score, upstream, shape.scale(), deltas[row], width);
            if (bf16) {
              worker.kernels().elements().toBf16(score, p, width);
              worker.kernels().elements().toBf16(upstream, ds, width);
            }
          }
        }
        gemm.multiply(blocks.transposedSum(width), probabilities, upstreamCopy, 0, valueSums + sum);
        gemm.multiply(blocks.transposedSum(width), gradients, queryCopy, 0, keySums + sum);
        gemm.multiply(
            blocks.weightedSum(width, chunk > first), gradients, keyCopy + operand, 0, querySums);
      }
      copyOut(querySums, dq, start + block, rows, head);
    }
    copyOut(keySums, dk, start, length, head);
    copyOut(valueSums, dv, start, length, head);
  }

  /** Σ dOut·out of every row: what the softmax subtracts. */
  private void deltas(int firstRow, int rows, int head, float[] deltas, Worker worker) {
    long column = (long) head * shape.headSize() * Float.BYTES;
    for (int row = 0; row < rows; row++) {
      deltas[row] =
          worker
              .kernels()
              .dots()
              .dot(
                  dOut.rowAddress(firstRow + row) + column,
                  out.rowAddress(firstRow + row) + column,
                  shape.headSize());
    }
  }

  private void copyOut(long from, Tensor to, int firstRow, int rows, int head) {
    long bytes = (long) shape.headSize() * Float.BYTES;
    for (int row = 0; row < rows; row++) {
      Memory.copy(from + row * bytes, to.rowAddress(firstRow + row) + head * bytes, bytes);
    }
  }
}
