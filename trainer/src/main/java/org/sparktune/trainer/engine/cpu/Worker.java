package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.cpu.vector.Kernels;
import org.sparktune.trainer.memory.Scratch;

/** What one thread of the engine works with: its products, its fused loops, its scratch memory. */
final class Worker implements AutoCloseable {
  private final Gemm.Provider provider;
  private final Kernels kernels = new Kernels();
  private final Scratch scratch = new Scratch("a worker's blocks");
  private Gemm gemm;

  Worker(Gemm.Provider provider) {
    this.provider = provider;
  }

  /** Products; made on first use, because providers bind them to the thread. */
  Gemm gemm() {
    if (gemm == null) {
      gemm = provider.create();
    }
    return gemm;
  }

  Kernels kernels() {
    return kernels;
  }

  /** The address of scratch memory of this worker; valid until the next call. */
  long scratch(long bytes) {
    return scratch.reserve(bytes);
  }

  @Override
  public void close() {
    if (gemm != null) {
      gemm.close();
    }
    scratch.close();
  }
}
