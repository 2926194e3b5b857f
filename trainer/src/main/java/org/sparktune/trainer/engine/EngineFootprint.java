package org.sparktune.trainer.engine;

import org.sparktune.trainer.memory.DType;

/** What can be said of an engine's memory, also before it is opened. */
public interface EngineFootprint {

  /** The precision of products. */
  Engine.Precision precision();

  /** The type of activations, of the residual stream, and of the gradients of both. */
  default DType activationType() {
    return DType.F32;
  }

  /**
   * The type in which an operator best leaves what only products read; parameters documented as
   * "F32 or {@link #operandType}" may have it.
   */
  default DType operandType() {
    return DType.F32;
  }

  /**
   * The most memory that is spent on second copies of frozen matrices, for speed.
   *
   * @param frozenBytes one copy of all matrices that training multiplies by
   */
  default long secondCopyBytes(long frozenBytes) {
    return 0;
  }

  /** Bytes that the engine will take for itself beside the tensors that it is given. */
  default long scratchBytes(ScratchDemand demand) {
    return 0;
  }
}
