package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.memory.Tensor;

/** One way to compute attention over runs of positions. N is the number of queries. */
interface AttentionKernels {

  /** Whether the kernels take such heads and all of these tensors. */
  boolean serves(AttentionShape shape, Tensor... tensors);

  /**
   * delta = dOut · out, head by head.
   *
   * @param delta address of {@code (N, H)} F32
   */
  void delta(Tensor dOut, Tensor out, AttentionShape shape, long delta);

  /**
   * Attends.
   *
   * @param q {@code (N, H·D)}
   * @param k {@code (rows, K·D)} that the runs refer to
   * @param v as k
   * @param runs which keys belong to which queries
   * @param out {@code (N, H·D)}
   * @param logSumExp {@code (N, H)} F32 or null
   */
  void forward(
      Tensor q,
      Tensor k,
      Tensor v,
      AttentionRuns runs,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp);

  /**
   * Gradient of {@link #forward} over documents.
   *
   * @param delta address of {@code (N, H)} F32 that {@link #delta} filled
   */
  void gradient(
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
      Tensor dv);
}
