package org.sparktune.trainer.model;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.engine.cpu.CpuEngines;

/** The engines that the model is tested on. */
enum EngineKind {
  PLAIN,
  CPU_F32,
  CPU_BF16;

  Engine open() {
    return switch (this) {
      case PLAIN -> new PlainEngine();
      case CPU_F32 -> CpuEngines.open(Engine.Precision.F32, 2);
      case CPU_BF16 -> CpuEngines.open(Engine.Precision.BF16, 2);
    };
  }
}
