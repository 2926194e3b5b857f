package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;

/** An engine that says of its memory what its footprint says. */
abstract class MeasuredEngine implements Engine {
  private final CudaFootprint footprint;

  MeasuredEngine(CudaFootprint footprint) {
    this.footprint = footprint;
  }

  @Override
  public Precision precision() {
    return footprint.precision();
  }

  @Override
  public DType activationType() {
    return footprint.activationType();
  }

  @Override
  public DType operandType() {
    return footprint.operandType();
  }

  @Override
  public EngineFootprint footprint() {
    return footprint;
  }

  @Override
  public long extendedColumns(long columns, int rank) {
    return footprint.extendedColumns(columns, rank);
  }

  @Override
  public boolean multipliesFp8() {
    return footprint.multipliesFp8();
  }

  @Override
  public boolean copiesTracked(long trainedElements) {
    return footprint.copiesTracked(trainedElements);
  }

  @Override
  public long secondCopyBytes(long frozenBytes) {
    return footprint.secondCopyBytes(frozenBytes);
  }

  @Override
  public long scratchBytes(ScratchDemand demand) {
    return footprint.scratchBytes(demand);
  }
}
