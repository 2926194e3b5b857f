package org.sparktune.trainer.dl4j;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Whether ND4J's CUDA backend can run on the GPUs that are here. {@code nd4j-cuda-11.6} holds
 * machine code for compute capabilities 3.7 to 8.6 and no PTX that a newer GPU's driver could
 * compile, so on a Hopper GPU or a newer one its first operation fails with an error that doesn't
 * say so.
 */
public final class CudaBackend {
  private static final String BACKEND = "org.nd4j.linalg.jcublas.JCublasBackend";
  private static final int OLDEST = 37;
  private static final int NEWEST = 86;

  /** Ada has capability 8.9, and runs code for 8.6. */
  private static final int NEWEST_OF_ITS_GENERATION = 89;

  private static final long PATIENCE_SECONDS = 10;
  private static final Pattern LINE = Pattern.compile("(?m)^(.+),\\s*(\\d+)\\.(\\d+)\\s*$");

  private CudaBackend() {}

  /**
   * A GPU.
   *
   * @param name as the driver calls it
   * @param capability major version times 10 plus minor version
   */
  public record Gpu(String name, int capability) {}

  /**
   * Refuses GPUs that the CUDA backend has no code for, if it is that backend that would be used.
   *
   * @throws SparktuneException {@code UNSUPPORTED}
   */
  public static void requireUsable() {
    if (isOnClassPath()) {
      Optional<SparktuneException> problem = problem(gpus());
      if (problem.isPresent()) {
        throw problem.get();
      }
    }
  }

  /** Whether ND4J would take its CUDA backend. */
  public static boolean isOnClassPath() {
    try {
      Class<?> unused = Class.forName(BACKEND, false, CudaBackend.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException e) {
      return false;
    }
  }

  /**
   * What is wrong with the first GPU, which ND4J takes; empty if nothing is.
   *
   * @param gpus all that there are
   */
  public static Optional<SparktuneException> problem(List<Gpu> gpus) {
    if (gpus.isEmpty()) {
      return Optional.of(
          new SparktuneException(
              ErrorCode.UNSUPPORTED,
              "This is a build with nd4j-cuda-11.6, but there is no NVIDIA GPU that answers.",
              "Build without -Pnd4j-cuda, or see what nvidia-smi says."));
    }
    Gpu gpu = gpus.get(0);
    boolean hasCode = gpu.capability() >= OLDEST && gpu.capability() <= NEWEST_OF_ITS_GENERATION;
    if (hasCode) {
      return Optional.empty();
    }
    return Optional.of(
        new SparktuneException(
            ErrorCode.UNSUPPORTED,
            "nd4j-cuda-11.6 has code for compute capabilities %s to %s (Kepler to Ada), and this %s has %s, so DL4J networks cannot train on it."
                .formatted(version(OLDEST), version(NEWEST), gpu.name(), version(gpu.capability())),
            "Build without -Pnd4j-cuda: DL4J networks then train on the CPU; language models use newer GPUs through their own engine."));
  }

  /** The GPUs as {@code nvidia-smi} lists them; none if it is not there. */
  public static List<Gpu> gpus() {
    try {
      Process process =
          new ProcessBuilder("nvidia-smi", "--query-gpu=name,compute_cap", "--format=csv,noheader")
              .redirectError(ProcessBuilder.Redirect.DISCARD)
              .start();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS) || process.exitValue() != 0) {
        return List.of();
      }
      return parse(text);
    } catch (IOException e) {
      // No such program: no NVIDIA driver, hence no GPU.
      return List.of();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return List.of();
    }
  }

  /** Reads lines such as {@code NVIDIA A10, 8.6}. */
  static List<Gpu> parse(String text) {
    List<Gpu> gpus = new ArrayList<>();
    Matcher line = LINE.matcher(text);
    while (line.find()) {
      int capability = Integer.parseInt(line.group(2)) * 10 + Integer.parseInt(line.group(3));
      gpus.add(new Gpu(line.group(1).strip(), capability));
    }
    return gpus;
  }

  private static String version(int capability) {
    return "%d.%d".formatted(capability / 10, capability % 10);
  }
}
