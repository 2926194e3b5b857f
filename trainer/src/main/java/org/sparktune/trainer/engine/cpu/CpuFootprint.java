package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.memory.DType;

/**
 * The CPU engine's memory.
 *
 * @param precision of products
 * @param threads how many threads work
 */
public record CpuFootprint(Engine.Precision precision, int threads) implements EngineFootprint {
  @Override
  public DType operandType() {
    return precision == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
  }

  @Override
  public long secondCopyBytes(long frozenBytes) {
    return Math.min(PackedWeight.budget(), frozenBytes);
  }

  @Override
  public long scratchBytes(ScratchDemand demand) {
    return CpuScratch.bytes(demand, precision, threads);
  }
}
