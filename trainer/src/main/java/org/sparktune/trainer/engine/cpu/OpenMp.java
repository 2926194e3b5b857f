package org.sparktune.trainer.engine.cpu;

import org.nd4j.linalg.cpu.nativecpu.bindings.Nd4jCpu;

/**
 * The calling thread's OpenMP thread count. oneDNN here is built for OpenMP and has no switch of
 * its own; its threads spin between products and would take the cores from the fused loops, so
 * every worker runs it on one thread. ND4J's native library is the one on the class path that hands
 * {@code omp_set_num_threads} to Java; both libraries share one OpenMP runtime.
 */
final class OpenMp {
  private final Nd4jCpu natives = new Nd4jCpu();

  /** Lets parallel regions that this thread starts run on it alone; returns the count before. */
  int useOneThread() {
    int before = natives.ompGetMaxThreads();
    useThreads(1);
    return before;
  }

  /** Sets how many threads the parallel regions of this thread use. */
  void useThreads(int threads) {
    if (natives.ompGetMaxThreads() != threads) {
      natives.setOmpNumThreads(threads);
    }
  }
}
