package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/**
 * Log-probabilities of targets and their gradients from rows of logits that are there, {@code (N,
 * V)} F32 or BF16, whose rows begin at multiples of 16 bytes: see {@code vocabulary.cu}.
 */
final class LogitRows {
  private static final String FILE = "vocabulary.cu";
  private static final int THREADS = 512;

  /** Of the blocks that read a row once, and how many packs each of their threads may hold. */
  private static final int FUSED_THREADS = 1024;

  private static final int HELD = 6;
  private static final int MOST_SHARED = 14;
  private static final int PACK_BYTES = 16;

  /** Shared memory that is not for packs. */
  private static final int RESERVED_BYTES = 1024;

  private final Device device;
  private final TypedKernel score;
  private final TypedKernel differentiate;
  private final TypedKernel scoreAndDifferentiate;

  LogitRows(Device device, KernelFinder kernels) {
    this.device = device;
    score = TypedKernel.of(kernels, FILE, "score");
    differentiate = TypedKernel.of(kernels, FILE, "differentiate");
    scoreAndDifferentiate = TypedKernel.of(kernels, FILE, "score_and_differentiate");
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
    int sharedPacks = sharedPacks(logits);
    ofRows(scoreAndDifferentiate, logits, targets)
        .with(logProbs)
        .with(dLogProbs)
        .with(sharedPacks)
        .launch(logits.rows(), 1, 1, FUSED_THREADS, sharedPacks * FUSED_THREADS * PACK_BYTES);
  }

  /** Packs of each thread that shared memory holds: what registers don't, and fits. */
  private int sharedPacks(Tensor logits) {
    long bytes = logits.columns() * logits.type().bytes();
    long layer = (long) FUSED_THREADS * PACK_BYTES;
    long wanted = (bytes + layer - 1) / layer - HELD;
    long fitting = (device.maximumSharedBytes() - RESERVED_BYTES) / layer;
    return (int) Math.max(0, Math.min(wanted, Math.min(MOST_SHARED, fitting)));
  }

  private static Kernel ofRows(TypedKernel kernel, Tensor logits, long targets) {
    return kernel
        .of(logits.type())
        .withRows(logits)
        .with(Math.toIntExact(logits.columns()))
        .with(targets);
  }
}
