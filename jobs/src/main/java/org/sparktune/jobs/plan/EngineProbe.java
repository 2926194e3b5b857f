package org.sparktune.jobs.plan;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * How fast this machine multiplies matrices, measured in a fraction of a second.
 *
 * @param description the engine in words
 * @param precision what it computes in
 * @param gflops 10⁹ operations a second
 */
record EngineProbe(String description, Engine.Precision precision, double gflops) {
  private static final int TOKENS = 512;
  private static final int SIZE = 1024;
  private static final long WARM_UP_NANOS = 200_000_000L;
  private static final long MEASURED_NANOS = 300_000_000L;

  /** Opens an engine, measures it and closes it. */
  static EngineProbe measure(Engines.PrecisionChoice precision) {
    try (Engine engine = Engines.open(precision, Engines.defaultThreads(), Engines.Device.AUTO)) {
      DType type = engine.precision() == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
      Weight weight = engine.freeze(engine.allocate(type, SIZE, SIZE));
      Tensor x = engine.allocate(DType.F32, TOKENS, SIZE);
      Tensor y = engine.allocate(DType.F32, TOKENS, SIZE);
      run(engine, weight, x, y, WARM_UP_NANOS);
      double secondsPerProduct = run(engine, weight, x, y, MEASURED_NANOS);
      double operations = 2.0 * TOKENS * SIZE * SIZE;
      return new EngineProbe(
          engine.description(), engine.precision(), operations / secondsPerProduct / 1e9);
    }
  }

  private static double run(Engine engine, Weight weight, Tensor x, Tensor y, long nanos) {
    long start = System.nanoTime();
    long products = 0;
    long elapsed;
    do {
      engine.linear(x, weight, null, y, false);
      products++;
      elapsed = System.nanoTime() - start;
    } while (elapsed < nanos);
    return elapsed / 1e9 / products;
  }
}
