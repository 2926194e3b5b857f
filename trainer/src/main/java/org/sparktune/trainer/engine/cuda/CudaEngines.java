package org.sparktune.trainer.engine.cuda;

import java.util.function.IntUnaryOperator;
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
   * Opens the engine.
   *
   * @param gpu gives the index of the GPU, from the number of those that the process sees
   * @throws org.sparktune.core.SparktuneException {@code UNSUPPORTED} without a driver, its
   *     libraries or a GPU of compute capability 8.0
   */
  public static Engine open(Engine.Precision precision, IntUnaryOperator gpu) {
    return new CudaEngine(Device.open(gpu), precision);
  }
}
