package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/**
 * Log-probabilities of targets and their gradients from rows of logits that are there, {@code (N,
 * V)} F32 or BF16, whose rows begin at multiples of 16 bytes: see {@code vocabulary.cu} and {@code
 * vocabulary_fused.cu}.
 */
final class LogitRows {
  private static final String FILE = "vocabulary.cu";
  private static final int THREADS = 512;

  private final TypedKernel score;
  private final TypedKernel differentiate;
  private final FusedRows fused;

  LogitRows(Device device, KernelFinder kernels) {
    score = TypedKernel.of(kernels, FILE, "score");
    differentiate = TypedKernel.of(kernels, FILE, "differentiate");
    fused = new FusedRows(device, kernels);
  }

  /**
   * Scores targets.
   *
   * @param targets the address of N ids
   * @param logProbs {@code (N)} F32
   * @param logSumExp {@code (N)} F32
   */
  void score(Tensor logits, long targets, Tensor logProbs, Tensor logSumExp) {
    ofRows(score, logits, targets).with(logProbs).with(logSumExp).launch(logits.rows(), THREADS);
  }

  /**
   * Puts the gradient of the log-probabilities in the place of the logits.
   *
   * @param targets the address of N ids
   * @param logSumExp {@code (N)} F32
   * @param dLogProbs {@code (N)} F32
   */
  void differentiate(Tensor logits, long targets, Tensor logSumExp, Tensor dLogProbs) {
    ofRows(differentiate, logits, targets)
        .with(logSumExp)
        .with(dLogProbs)
        .launch(logits.rows(), THREADS);
  }

  /**
   * Both in one pass over the logits.
   *
   * @param targets the address of N ids
   * @param logProbs {@code (N)} F32
   * @param dLogProbs {@code (N)} F32
   */
  void scoreAndDifferentiate(Tensor logits, long targets, Tensor logProbs, Tensor dLogProbs) {
    FusedRows.Plan plan = fused.plan(logits);
    ofRows(plan.kernel(), logits, targets)
        .with(logProbs)
        .with(dLogProbs)
        .with(plan.sharedPacks())
        .launch(logits.rows(), 1, 1, plan.threads(), plan.sharedBytes());
  }

  private static Kernel ofRows(TypedKernel kernel, Tensor logits, long targets) {
    return kernel
        .of(logits.type())
        .withRows(logits)
        .with(Math.toIntExact(logits.columns()))
        .with(targets);
  }
}
