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
 */
record CudaFootprint(Engine.Precision precision, long freeBytes) implements EngineFootprint {
  /** Workspaces, index arrays and other things whose size no batch decides. */
  private static final long FIXED_BYTES = 128L << 20;

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

  @Override
  public long scratchBytes(ScratchDemand demand) {
    return FIXED_BYTES
        + VocabularyLoss.scratchBytes(demand, precision)
        + CudaAttention.scratchBytes(demand);
  }
}
