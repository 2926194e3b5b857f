package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.engine.cuda.Gpu;

/** The engines that the model is tested on. */
enum EngineKind {
  PLAIN,
  CPU_F32,
  CPU_BF16,
  CUDA_F32,
  CUDA_BF16;

  /** Whether products are F32 throughout. */
  boolean isExact() {
    return this != CPU_BF16 && this != CUDA_BF16;
  }

  Engine open() {
    return switch (this) {
      case PLAIN -> new PlainEngine();
      case CPU_F32 -> CpuEngines.open(Engine.Precision.F32, 2);
      case CPU_BF16 -> CpuEngines.open(Engine.Precision.BF16, 2);
      case CUDA_F32 -> Gpu.open(Engine.Precision.F32);
      case CUDA_BF16 -> Gpu.open(Engine.Precision.BF16);
    };
  }
}
