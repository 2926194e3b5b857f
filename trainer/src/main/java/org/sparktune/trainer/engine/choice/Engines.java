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
import org.sparktune.trainer.engine.cuda.CudaEngines;

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
   * @param precision AUTO is BF16 on a GPU and where the processor multiplies it (AVX-512 BF16,
   *     AMX), else F32
   * @param threads how many threads a CPU engine uses
   * @param device AUTO is CUDA where there is a usable GPU, else the CPU
   * @throws SparktuneException UNSUPPORTED for a device or precision that is not to be had here
   */
  public static Engine open(PrecisionChoice precision, int threads, Device device) {
    return open(precision, threads, device, GpuChoice.ALONE);
  }

  /**
   * Opens an engine, on a certain GPU if it is one of a GPU.
   *
   * @param gpu which of several; the CPU engine has no use for it
   */
  public static Engine open(PrecisionChoice precision, int threads, Device device, GpuChoice gpu) {
    if (threads < 1) {
      throw new SparktuneException(
          ErrorCode.INVALID_SPEC,
          "The engine cannot run on %d threads.".formatted(threads),
          "Give at least 1.");
    }
    return switch (device) {
      case CPU -> opened(cpu(precision, threads), "asked for");
      case CUDA -> opened(CudaEngines.open(precision(precision), gpu::index), "asked for");
      case AUTO -> automatic(precision, threads, gpu);
    };
  }

  /** The GPU if it can be used; without a driver nothing of CUDA is loaded. */
  private static Engine automatic(PrecisionChoice precision, int threads, GpuChoice gpu) {
    if (!CudaEngines.hasDriver()) {
      return opened(cpu(precision, threads), "there is no NVIDIA driver");
    }
    Engine engine;
    try {
      engine = CudaEngines.open(precision(precision), gpu::index);
    } catch (SparktuneException e) {
      if (gpu.given().isPresent()) {
        throw e; // whoever gave a GPU to this rank does not mean the CPU
      }
      return opened(cpu(precision, threads), "not the GPU: " + e.getMessage());
    }
    return opened(engine, "a usable GPU is there");
  }

  private static Engine opened(Engine engine, String why) {
    LOG.info("Engine: {} ({})", engine.description(), why);
    return engine;
  }

  private static Engine cpu(PrecisionChoice precision, int threads) {
    return CpuEngines.open(
        switch (precision) {
          case AUTO -> null;
          case FP32 -> Engine.Precision.F32;
          case BF16 -> Engine.Precision.BF16;
        },
        threads);
  }

  /** Every GPU that the CUDA engine runs on multiplies BF16. */
  private static Engine.Precision precision(PrecisionChoice choice) {
    return choice == PrecisionChoice.FP32 ? Engine.Precision.F32 : Engine.Precision.BF16;
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
