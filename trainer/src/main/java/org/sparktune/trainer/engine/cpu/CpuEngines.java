package org.sparktune.trainer.engine.cpu;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;

/** Opens the CPU engine with the best library that loads here. */
public final class CpuEngines {
  private static final Logger LOG = LoggerFactory.getLogger(CpuEngines.class);

  private CpuEngines() {}

  /**
   * Opens the engine.
   *
   * @param precision the precision of products, or null for BF16 where the processor computes it
   *     and F32 elsewhere
   * @param threads how many threads work
   */
  public static Engine open(Precision precision, int threads) {
    Gemm.Provider provider = provider();
    if (precision == Precision.BF16 && !provider.takesBf16()) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "Precision bf16 needs oneDNN and a processor with AVX-512; here products run on %s."
              .formatted(provider.description()),
          "Use precision fp32 or auto.");
    }
    Precision chosen =
        precision != null ? precision : provider.hasNativeBf16() ? Precision.BF16 : Precision.F32;
    return new CpuEngine(chosen, threads, provider);
  }

  private static Gemm.Provider provider() {
    // JavaCPP refuses to work in a process of more than four times the heap; weights lie outside.
    if (System.getProperty("org.bytedeco.javacpp.maxPhysicalBytes") == null) {
      System.setProperty("org.bytedeco.javacpp.maxPhysicalBytes", "0");
    }
    try {
      return new OneDnnGemm.OneDnn();
    } catch (LinkageError oneDnn) {
      LOG.warn("oneDNN does not load ({}); products run on OpenBLAS.", oneDnn.toString());
      try {
        return new OpenBlasGemm.OpenBlas();
      } catch (LinkageError openBlas) {
        openBlas.addSuppressed(oneDnn);
        throw new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "Neither oneDNN nor OpenBLAS loads on this machine: %s.".formatted(openBlas),
            "Add the native libraries of this platform (org.bytedeco:dnnl) to the class path.",
            openBlas);
      }
    }
  }
}
