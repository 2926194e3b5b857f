package org.sparktune.trainer.engine.choice;

import java.util.Locale;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.engine.cpu.CpuFootprint;

/** Chooses and opens an engine, and says which and why in one line of the log. */
public final class Engines {
  private static final Logger LOG = LoggerFactory.getLogger(Engines.class);

  private Engines() {}

  /** Where the engine runs. */
  public enum Device {
    AUTO,
    CPU,
    CUDA
  }

  /** How products are computed. */
  public enum PrecisionChoice {
    AUTO,
    FP32,
    BF16
  }

  /** Threads the engine uses: {@code -Dsparktune.threads}, or else every processor. */
  public static int defaultThreads() {
    return Integer.getInteger("sparktune.threads", Runtime.getRuntime().availableProcessors());
  }

  /** Opens an engine as a specification names it: {@code auto}, {@code fp32}; {@code cpu}. */
  public static Engine open(String precision, int threads, String device) {
    return open(
        parse(PrecisionChoice.class, "precision", precision),
        threads,
        parse(Device.class, "engine", device));
  }

  /**
   * Opens an engine.
   *
   * @param precision AUTO is BF16 where the processor multiplies it (AVX-512 BF16, AMX), else F32
   * @param threads how many threads it uses
   * @param device AUTO is the CPU in this version
   * @throws SparktuneException UNSUPPORTED for a device or precision that is not to be had here
   */
  public static Engine open(PrecisionChoice precision, int threads, Device device) {
    if (threads < 1) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The engine cannot run on %d threads.".formatted(threads),
          "Give at least 1.");
    }
    String why =
        switch (device) {
          case AUTO -> "the only one in this version";
          case CPU -> "asked for";
          case CUDA ->
              throw new SparktuneException(
                  ErrorCode.UNSUPPORTED,
                  "Engine cuda was asked for, but this version has no CUDA engine.",
                  "Use engine: cpu or auto.");
        };
    Engine engine =
        switch (precision) {
          case AUTO -> CpuEngines.open(null, threads);
          case FP32 -> CpuEngines.open(Engine.Precision.F32, threads);
          case BF16 -> CpuEngines.open(Engine.Precision.BF16, threads);
        };
    LOG.info("Engine: {} ({})", engine.description(), why);
    return engine;
  }

  /** The memory of an engine of a precision, before it is opened. */
  public static EngineFootprint footprint(Engine.Precision precision) {
    return new CpuFootprint(precision, defaultThreads());
  }

  private static <E extends Enum<E>> E parse(Class<E> type, String what, String value) {
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(value)) {
        return constant;
      }
    }
    StringBuilder names = new StringBuilder();
    for (E constant : type.getEnumConstants()) {
      names.append(names.isEmpty() ? "" : ", ").append(constant.name().toLowerCase(Locale.ROOT));
    }
    throw new SparktuneException(
        ErrorCode.INVALID_SPEC,
        "There is no %s %s.".formatted(what, value),
        "Use one of: %s.".formatted(names));
  }
}
