package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.cpu.vector.Kernels;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Scratch;
import org.sparktune.trainer.memory.Tensor;

/**
 * Log-probabilities of targets and their gradients, a chunk of rows at a time: the logits of one
 * chunk over the whole vocabulary are all that is held, and their gradient overwrites them.
 */
final class VocabularyLoss implements AutoCloseable {
  private static final long LOGITS_BYTES = 160L << 20;
  private static final int MOST_ROWS = 256;
  private static final int LEAST_ROWS = 16;

  private final Workers workers;
  private final Products products;
  private final Scratch scratch = new Scratch("logits");

  VocabularyLoss(Workers workers, Products products) {
    this.workers = workers;
    this.products = products;
  }

  /** What is done with one row of logits. */
  private interface RowWork {
    void run(int row, long logits, Kernels kernels);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#tokenLogProbs}. */
  void logProbs(Tensor hidden, CpuWeight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    int vocabulary = Math.toIntExact(head.out());
    forChunks(
        hidden,
        head,
        (row, logits, kernels) -> {
          float sum = kernels.softmax().logSumExp(logits, vocabulary);
          logSumExp.setFloat(row, sum);
          logProbs.setFloat(row, logit(logits, targets[row]) - sum);
        },
        null,
        null);
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
        (row, logits, kernels) ->
            gradient(
                logits,
                head,
                logSumExp.getFloat(row),
                targets[row],
                dLogProbs.getFloat(row),
                kernels),
        dHidden,
        dHead);
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
    int vocabulary = Math.toIntExact(head.out());
    forChunks(
        hidden,
        head,
        (row, logits, kernels) -> {
          float sum = kernels.softmax().logSumExp(logits, vocabulary);
          logProbs.setFloat(row, logit(logits, targets[row]) - sum);
          gradient(logits, head, sum, targets[row], dLogProbs.getFloat(row), kernels);
        },
        dHidden,
        dHead);
  }

  private static void gradient(
      long logits, CpuWeight head, float logSumExp, int target, float d, Kernels kernels) {
    int vocabulary = Math.toIntExact(head.out());
    kernels.softmax().logProbGradient(logits, vocabulary, logSumExp, target, d);
    if (head.bf16()) {
      kernels.elements().toBf16(logits, logits, vocabulary);
    }
  }

  private void forChunks(
      Tensor hidden, CpuWeight head, RowWork work, Tensor dHidden, Tensor dHead) {
    long vocabulary = head.out();
    int total = Math.toIntExact(hidden.rows());
    long fitting = LOGITS_BYTES / (vocabulary * Float.BYTES) / LEAST_ROWS * LEAST_ROWS;
    int chunk = (int) Math.max(LEAST_ROWS, Math.min(MOST_ROWS, fitting));
    for (int start = 0; start < total; start += chunk) {
      int rows = Math.min(chunk, total - start);
      int first = start;
      long address = scratch.reserve(rows * vocabulary * Float.BYTES);
      Tensor logits = Tensor.at(DType.F32, address, rows, vocabulary);
      Tensor input = hidden.rows(start, start + rows);
      products.forward(input, head, null, logits, false);
      workers.run(
          rows, (row, worker) -> work.run(first + row, logits.rowAddress(row), worker.kernels()));
      if (dHidden == null) {
        continue;
      }
      // BF16 gradients lie at the start of each row of the F32 logits they were made from.
      Tensor gradient =
          head.bf16() ? new Tensor(DType.BF16, address, 2 * vocabulary, rows, vocabulary) : logits;
      products.multiply(
          false,
          gradient,
          false,
          head.operand(),
          head.bf16(),
          1,
          0,
          dHidden.rows(start, start + rows));
      if (dHead != null) {
        products.multiply(true, gradient, false, input, head.bf16(), 1, 1, dHead);
      }
    }
  }

  private static float logit(long logits, int target) {
    return Memory.getFloat(logits + (long) target * Float.BYTES);
  }

  @Override
  public void close() {
    scratch.close();
  }
}
