package org.sparktune.jobs.plan;

import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * How fast this machine multiplies matrices, measured in a fraction of a second.
 *
 * @param description the engine in words
 * @param footprint the engine's precision and memory
 * @param gflops 10⁹ operations a second
 */
record EngineProbe(String description, EngineFootprint footprint, double gflops) {
  private static final int TOKENS = 512;
  private static final int SIZE = 1024;
  private static final long WARM_UP_NANOS = 200_000_000L;
  private static final long MEASURED_NANOS = 300_000_000L;

  /** Opens an engine, measures it and closes it. */
  static EngineProbe measure(Engines.PrecisionChoice precision) {
    try (Engine engine = Engines.open(precision, Engines.defaultThreads(), Engines.Device.AUTO)) {
      DType type = engine.precision() == Engine.Precision.BF16 ? DType.BF16 : DType.F32;
      Weight weight = engine.freeze(engine.allocate(type, SIZE, SIZE));
      Tensor x = engine.allocate(engine.activationType(), TOKENS, SIZE);
      Tensor y = engine.allocate(engine.activationType(), TOKENS, SIZE);
      run(engine, weight, x, y, WARM_UP_NANOS);
      double secondsPerProduct = run(engine, weight, x, y, MEASURED_NANOS);
      double operations = 2.0 * TOKENS * SIZE * SIZE;
      return new EngineProbe(
          engine.description(), engine.footprint(), operations / secondsPerProduct / 1e9);
    }
  }

  private static double run(Engine engine, Weight weight, Tensor x, Tensor y, long nanos) {
    try (Arena arena = new Arena("an element of a product")) {
      Tensor result = arena.allocate(y.type(), 1, 1);
      return run(engine, weight, x, y, result, nanos);
    }
  }

  private static double run(
      Engine engine, Weight weight, Tensor x, Tensor y, Tensor result, long nanos) {
    long start = System.nanoTime();
    long products = 0;
    long elapsed;
    do {
      engine.linear(x, weight, null, y, false);
      // An engine may compute on behind its caller's back: only a copy to the host waits for it.
      engine.copy(y.rows(0, 1).columns(0, 1), result);
      products++;
      elapsed = System.nanoTime() - start;
    } while (elapsed < nanos);
    return elapsed / 1e9 / products;
  }
}
