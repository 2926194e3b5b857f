package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Brings matrices to the GPU, in the type that products take. */
final class CudaWeights {
  private final Device device;
  private final DeviceArena arena;
  private final Staging staging;
  private final Conversions conversions;
  private final CudaFootprint footprint;

  /**
   * @param arena what weights lie in
   */
  CudaWeights(
      Device device,
      DeviceArena arena,
      Staging staging,
      Conversions conversions,
      CudaFootprint footprint) {
    this.device = device;
    this.arena = arena;
    this.staging = staging;
    this.conversions = conversions;
    this.footprint = footprint;
  }

  /** See {@link org.sparktune.trainer.engine.Engine#freeze}. */
  CudaWeight freeze(Tensor matrix) {
    if (matrix.place() == Tensor.Place.DEVICE && matrix.type() == footprint.operandType()) {
      return new CudaWeight(matrix, null, null);
    }
    return new CudaWeight(copied(matrix), null, null);
  }

  /**
   * See {@link org.sparktune.trainer.engine.Engine#freezeForTraining}: with room for factors, where
   * the engine has a use for it.
   */
  CudaWeight freezeForTraining(Tensor matrix) {
    long out = matrix.rows();
    long in = matrix.columns();
    long rows = footprint.extendedColumns(out, 1);
    long columns = footprint.extendedColumns(in, 1);
    if (rows == out || columns == in) {
      return new CudaWeight(copied(matrix), null, null);
    }
    Tensor extended = arena.allocate(footprint.operandType(), rows, columns);
    Tensor operand = extended.rows(0, out).columns(0, in);
    copy(matrix, operand);
    return new CudaWeight(operand, null, extended);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#track(Tensor, boolean)}. */
  Weight track(Tensor matrix, boolean copied) {
    if (footprint.operandType() == DType.F32) {
      return new CudaWeight(matrix, null, null);
    }
    return copied ? new CudaWeight(copied(matrix), matrix, null) : new LazyWeight(null, matrix);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#refresh}. */
  void refresh(Weight tracked) {
    if (tracked instanceof CudaWeight weight && weight.source() != null) {
      conversions.copy(weight.source(), weight.operand());
    }
  }

  private Tensor copied(Tensor matrix) {
    Tensor operand =
        arena.allocateUncleared(footprint.operandType(), matrix.rows(), matrix.columns());
    copy(matrix, operand);
    return operand;
  }

  /** Copies a matrix of the host or the device, of any type. */
  private void copy(Tensor matrix, Tensor operand) {
    if (matrix.place() == Tensor.Place.DEVICE) {
      conversions.copy(matrix, operand);
    } else if (matrix.type() == operand.type()) {
      staging.upload(matrix, operand);
    } else {
      try (DeviceArena transfer = new DeviceArena(device, "weights on their way")) {
        Tensor there = transfer.allocateUncleared(matrix.type(), matrix.rows(), matrix.columns());
        staging.upload(matrix, there);
        conversions.copy(there, operand);
      }
    }
  }
}
