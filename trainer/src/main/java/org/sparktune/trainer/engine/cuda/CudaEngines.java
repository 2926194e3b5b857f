package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.runtime.Device;

/** Opens the engine on a GPU; before that, nothing of CUDA is loaded. */
public final class CudaEngines {
  private CudaEngines() {}

  /** Whether it is worth trying. */
  public static boolean hasDriver() {
    return Device.hasDriver();
  }

  /**
   * Opens the engine on the GPU that {@code -Dsparktune.gpu} numbers, by default the first that the
   * process sees.
   *
   * @throws org.sparktune.core.SparktuneException {@code UNSUPPORTED} without a driver, its
   *     libraries or a GPU of compute capability 8.0
   */
  public static Engine open(Engine.Precision precision) {
    return new CudaEngine(Device.open(Integer.getInteger("sparktune.gpu", 0)), precision);
  }
}
