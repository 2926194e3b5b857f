package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Scratch;

/**
 * Foresees the CPU engine's own memory: BF16 copies of what products read, the largest matrix that
 * is decoded from few bits, attention's gradients per query head, logits in chunks, and every
 * worker's blocks. What is small whatever the batch is left out.
 */
final class CpuScratch {
  private CpuScratch() {}

  /** The bytes on so many threads. */
  static long bytes(ScratchDemand demand, Precision precision, int threads) {
    boolean bf16 = precision == Precision.BF16;
    return Scratch.grown(bf16 ? operandCopies(demand) : 0)
        + Scratch.grown(demand.quantizedElements() * (bf16 ? DType.BF16 : DType.F32).bytes())
        + Scratch.grown(headGradients(demand))
        + Scratch.grown(normGradients(demand))
        + Scratch.grown(logits(demand, bf16))
        + threads * Scratch.grown(workerBlocks(demand, bf16));
  }

  private static long operandCopies(ScratchDemand demand) {
    int left =
        demand.backward()
            ? Math.max(demand.widestInput(), demand.widestOutput())
            : demand.widestInput();
    long columns = (long) left + (demand.trainsMatrices() ? demand.widestInput() : 0);
    return demand.tokens() * columns * DType.BF16.bytes();
  }

  private static long headGradients(ScratchDemand demand) {
    boolean grouped = demand.attention().heads() != demand.attention().keyValueHeads();
    long columns = (long) demand.attention().heads() * demand.attention().headSize();
    return demand.backward() && grouped ? 2L * demand.tokens() * columns * Float.BYTES : 0;
  }

  private static long normGradients(ScratchDemand demand) {
    long pieces = demand.tokens() / NormLoops.GRADIENT_ROWS + 1L;
    return demand.trainsMatrices() ? pieces * demand.widestInput() * Float.BYTES : 0;
  }

  private static long logits(ScratchDemand demand, boolean bf16) {
    long rows = Math.min(demand.tokens(), VocabularyLoss.chunkRows(demand.vocabulary()));
    long slice = Math.min(demand.vocabulary(), VocabularyLoss.SLICE);
    long gradients = demand.backward() && bf16 ? rows * slice * DType.BF16.bytes() : 0;
    return rows * demand.vocabulary() * Float.BYTES + gradients;
  }

  private static long workerBlocks(ScratchDemand demand, boolean bf16) {
    HeadBlocks blocks = new HeadBlocks(bf16, demand.attention());
    return demand.backward()
        ? BlockAttentionGradient.scratchBytes(
            blocks, demand.attention().headSize(), demand.longestDocument())
        : BlockAttention.scratchBytes(
            blocks, demand.attention().headSize(), demand.longestDocument());
  }
}
