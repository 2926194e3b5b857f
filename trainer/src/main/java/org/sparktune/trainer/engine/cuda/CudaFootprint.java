package org.sparktune.trainer.engine.cuda;

import java.util.OptionalLong;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;

/**
 * The CUDA engine's memory: activations are of the type that products take.
 *
 * @param precision of products
 * @param freeBytes of the GPU's memory when the engine was opened
 * @param capability compute capability times ten
 */
record CudaFootprint(Engine.Precision precision, long freeBytes, int capability)
    implements EngineFootprint {
  /** Workspaces, index arrays and other things whose size no batch decides. */
  private static final long FIXED_BYTES = 128L << 20;

  private static final long BYTES_A_PARAMETER = 18;
  private static final double MOST_FOR_PARAMETERS = 0.75;

  @Override
  public DType activationType() {
    return switch (precision) {
      case F32 -> DType.F32;
      case BF16 -> DType.BF16;
    };
  }

  @Override
  public DType operandType() {
    return activationType();
  }

  @Override
  public long extendedColumns(long columns, int rank) {
    return precision == Engine.Precision.BF16 ? Factors.extendedColumns(columns, rank) : columns;
  }

  @Override
  public OptionalLong availableBytes() {
    return OptionalLong.of(freeBytes);
  }

  @Override
  public long secondCopyBytes(long frozenBytes) {
    // Room for factors behind the rows and columns of matrices of usual sizes.
    return precision == Engine.Precision.BF16 ? frozenBytes / 8 : 0;
  }

  /**
   * A trained parameter takes 18 bytes: F32 value, gradient and two moments, BF16 copy. Where that
   * leaves too little of the GPU to activations, the copies go first.
   */
  @Override
  public boolean copiesTracked(long trainedElements) {
    return BYTES_A_PARAMETER * trainedElements <= (long) (MOST_FOR_PARAMETERS * freeBytes);
  }

  @Override
  public boolean multipliesFp8() {
    return Fp8Products.isAble(capability, operandType());
  }

  @Override
  public long scratchBytes(ScratchDemand demand) {
    // The dense form of the largest matrix in few bits, with room for factors behind it.
    long dense = demand.quantizedElements() + demand.quantizedElements() / 8;
    boolean eightBits = demand.quantizedElements() > 0 && multipliesFp8();
    long codes = Math.max(demand.widestInput(), demand.widestOutput());
    return FIXED_BYTES
        + dense * operandType().bytes()
        + (eightBits ? demand.tokens() * codes : 0)
        + VocabularyLoss.scratchBytes(demand, precision)
        + CudaAttention.scratchBytes(demand);
  }
}
