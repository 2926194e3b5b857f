package org.sparktune.trainer.engine.cpu;

import java.util.List;
import org.sparktune.trainer.engine.cpu.vector.SoftmaxKernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/**
 * Log-probabilities of targets and their gradients, a chunk of rows at a time: the logits of one
 * chunk over the whole vocabulary are all that is held. Their gradient is made and multiplied slice
 * by slice of the vocabulary, so that the product reads it from the cache.
 */
final class VocabularyLoss implements AutoCloseable {
  private static final long LOGITS_BYTES = 160L << 20;
  private static final int MOST_ROWS = 256;
  private static final int LEAST_ROWS = 16;
  static final int SLICE = 4096;

  /** Panels of a product are no narrower, unless there is one alone. */
  private static final int NARROWEST_PANEL = 128;

  private final Rows rows;
  private final Products products;
  private final Scratch logitsMemory = new Scratch("logits");
  private final Scratch sliceMemory = new Scratch("logit gradients");
  private final Scratch partialMemory = new Scratch("log-sums of panels of logits");
  private final float[] sums = new float[MOST_ROWS];

  VocabularyLoss(Rows rows, Products products) {
    this.rows = rows;
    this.products = products;
  }

  /** What is done with one chunk of logits, whose first row is {@code start}. */
  private interface ChunkWork {
    void run(int start, Tensor input, Tensor logits);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLogProbs}. */
  void logProbs(Tensor hidden, CpuWeight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    forChunks(
        hidden,
        head,
        true,
        (start, input, logits) -> {
          score(logits, start, targets, logProbs);
          for (int row = 0; row < logits.rows(); row++) {
            logSumExp.setFloat(start + row, sums[row]);
          }
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLogProbsGradient}. */
  void gradient(
      Tensor hidden,
      CpuWeight head,
      int[] targets,
      Tensor logSumExp,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead) {
    forChunks(
        hidden,
        head,
        false,
        (start, input, logits) -> {
          for (int row = 0; row < logits.rows(); row++) {
            sums[row] = logSumExp.getFloat(start + row);
          }
          backward(logits, start, input, head, targets, dLogProbs, dHidden, dHead);
        });
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLossAndGradient}. */
  void lossAndGradient(
      Tensor hidden,
      CpuWeight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor logProbs,
      Tensor dHidden,
      Tensor dHead) {
    forChunks(
        hidden,
        head,
        true,
        (start, input, logits) -> {
          score(logits, start, targets, logProbs);
          backward(logits, start, input, head, targets, dLogProbs, dHidden, dHead);
        });
  }

  /** Rows whose logits are held at a time. */
  static int chunkRows(long vocabulary) {
    long fitting = LOGITS_BYTES / (vocabulary * Float.BYTES) / LEAST_ROWS * LEAST_ROWS;
    return (int) Math.max(LEAST_ROWS, Math.min(MOST_ROWS, fitting));
  }

  private void forChunks(Tensor hidden, CpuWeight head, boolean scored, ChunkWork work) {
    long vocabulary = head.out();
    int total = Math.toIntExact(hidden.rows());
    int chunk = chunkRows(vocabulary);
    for (int start = 0; start < total; start += chunk) {
      int count = Math.min(chunk, total - start);
      long address = logitsMemory.reserve(count * vocabulary * Float.BYTES);
      Tensor logits = Tensor.at(DType.F32, address, count, vocabulary);
      Tensor input = hidden.rows(start, start + count);
      if (scored) {
        forwardAndSum(input, head, logits);
      } else {
        products.forward(input, head, null, logits, false, List.of());
      }
      work.run(start, input, logits);
    }
  }

  /**
   * Computes logits and leaves each row's log-sum-exp in {@link #sums}: first of every panel of
   * columns while it is in the cache, then of the panels.
   */
  private void forwardAndSum(Tensor input, CpuWeight head, Tensor logits) {
    int most = Math.toIntExact((logits.columns() + NARROWEST_PANEL - 1) / NARROWEST_PANEL);
    long partials = partialMemory.reserve(logits.rows() * most * Float.BYTES);
    BlockGrid cut =
        products.forward(
            input,
            head,
            null,
            logits,
            false,
            (grid, index, worker) -> {
              long column = (long) grid.column(index) * Float.BYTES;
              int first = grid.row(index);
              for (int row = first; row < first + grid.rows(index); row++) {
                long block = logits.rowAddress(row) + column;
                float sum = worker.kernels().softmax().logSumExp(block, grid.columns(index));
                long partial = (long) row * grid.panels() + grid.panel(index);
                Memory.putFloat(partials + partial * Float.BYTES, sum);
              }
            });
    int count = cut.panels();
    rows.run(
        logits.rows(),
        count,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            long address = partials + (long) row * count * Float.BYTES;
            sums[row] = worker.kernels().softmax().logSumExp(address, count);
          }
        });
  }

  private void score(Tensor logits, int start, int[] targets, Tensor logProbs) {
    for (int row = 0; row < logits.rows(); row++) {
      long offset = (long) targets[start + row] * Float.BYTES;
      logProbs.setFloat(start + row, Memory.getFloat(logits.rowAddress(row) + offset) - sums[row]);
    }
  }

  private void backward(
      Tensor logits,
      int start,
      Tensor input,
      CpuWeight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead) {
    Tensor dInput = dHidden.rows(start, start + logits.rows());
    for (long first = 0; first < logits.columns(); first += SLICE) {
      long last = Math.min(first + SLICE, logits.columns());
      Tensor slice = logits.columns(first, last);
      Tensor gradient = head.bf16() ? bf16(slice) : slice;
      sliceGradient(slice, Math.toIntExact(first), start, targets, dLogProbs, gradient);
      Tensor matrix = ((PlainWeight) head).operand().rows(first, last);
      products.multiply(false, gradient, false, matrix, head.bf16(), 1, first == 0 ? 0 : 1, dInput);
      if (dHead != null) {
        products.multiply(true, gradient, false, input, head.bf16(), 1, 1, dHead.rows(first, last));
      }
    }
  }

  private Tensor bf16(Tensor like) {
    long address = sliceMemory.reserve(like.size() * Short.BYTES);
    return Tensor.at(DType.BF16, address, like.rows(), like.columns());
  }

  /** The gradient of a slice of the logits, in its place or as BF16 elsewhere. */
  private void sliceGradient(
      Tensor slice, int first, int start, int[] targets, Tensor dLogProbs, Tensor gradient) {
    int width = Math.toIntExact(slice.columns());
    rows.run(
        slice.rows(),
        width,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            long address = slice.rowAddress(row);
            int target = targets[start + row] - first;
            float upstream = dLogProbs.getFloat(start + row);
            SoftmaxKernels kernels = worker.kernels().softmax();
            if (gradient == slice) {
              kernels.logProbGradient(address, width, sums[row], target, upstream);
            } else {
              long halves = gradient.rowAddress(row);
              kernels.logProbGradient(address, halves, width, sums[row], target, upstream);
            }
          }
        });
  }

  @Override
  public void close() {
    logitsMemory.close();
    sliceMemory.close();
    partialMemory.close();
  }
}
