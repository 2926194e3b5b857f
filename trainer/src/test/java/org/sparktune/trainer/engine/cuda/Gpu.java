package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.Assumptions;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.runtime.Device;

/** The GPU that tests tagged {@code gpu} need. */
public final class Gpu {
  private static final String REASON = "there is no NVIDIA driver on this machine";

  private Gpu() {}

  /** Skips a test, and prints why, where there is no GPU. */
  public static void require() {
    if (!Device.hasDriver()) {
      System.out.println("A GPU test is skipped: " + REASON);
    }
    Assumptions.assumeTrue(Device.hasDriver(), REASON);
  }

  /** Opens the engine on the GPU, or skips the test. */
  public static Engine open(Engine.Precision precision) {
    require();
    return CudaEngines.open(precision, gpus -> Integer.getInteger("sparktune.gpu", 0));
  }
}
