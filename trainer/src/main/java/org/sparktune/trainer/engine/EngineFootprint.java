package org.sparktune.trainer.engine;

import java.util.OptionalLong;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

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

  /**
   * How wide the rows are to lie apart of an input, or an output's gradient, of a linear module
   * with thin factors: the columns behind its own are the engine's, in which it may lay down what
   * the factors add, so that one product makes the sum. See {@link Engine#linear(Tensor, Weight,
   * Tensor, Tensor, boolean, java.util.List)}.
   *
   * @param columns of the tensor itself
   * @param rank of all factors that meet it; 0 without
   */
  default long extendedColumns(long columns, int rank) {
    return columns;
  }

  /**
   * Whether trained matrices get copies in the type that products take, where that differs from
   * theirs; without, each product makes its own in scratch memory.
   *
   * @param trainedElements elements of all trained parameters
   */
  default boolean copiesTracked(long trainedElements) {
    return true;
  }

  /**
   * Whether products take operands of 8-bit floating point. A frozen matrix in E4M3 is then held
   * once for each direction of products; else it is decoded for every one.
   */
  default boolean multipliesFp8() {
    return false;
  }

  /** Bytes that its tensors may take, if they don't lie in the host's memory. */
  default OptionalLong availableBytes() {
    return OptionalLong.empty();
  }

  /** Bytes that the engine will take for itself beside the tensors that it is given. */
  default long scratchBytes(ScratchDemand demand) {
    return 0;
  }
}
