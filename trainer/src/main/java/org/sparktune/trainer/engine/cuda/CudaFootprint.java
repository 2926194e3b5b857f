package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;

/**
 * The CUDA engine's memory: activations are of the type that products take.
 *
 * @param precision of products
 */
record CudaFootprint(Engine.Precision precision) implements EngineFootprint {
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
  public long scratchBytes(ScratchDemand demand) {
    return FIXED_BYTES + VocabularyLoss.scratchBytes(demand, precision);
  }
}
