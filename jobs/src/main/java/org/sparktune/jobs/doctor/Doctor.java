package org.sparktune.jobs.doctor;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.javacpp.Loader;
import org.nd4j.linalg.factory.Nd4j;
import org.sparktune.trainer.dl4j.CudaBackend;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.choice.Engines;

/** Looks at everything that training depends on; nothing is changed. */
public final class Doctor {
  private static final long GIBIBYTE = 1L << 30;
  private static final long SMALL_MEMORY = 4 * GIBIBYTE;

  private final List<Finding> findings = new ArrayList<>();

  private Doctor() {}

  /** What was found, in the order in which it is shown. */
  public static List<Finding> examine() {
    Doctor doctor = new Doctor();
    doctor.java();
    doctor.processor();
    doctor.memory();
    doctor.engine();
    doctor.nd4j();
    doctor.gpu();
    doctor.networks();
    doctor.spark();
    return List.copyOf(doctor.findings);
  }

  private void java() {
    String value =
        "%s (%s), heap at most %s"
            .formatted(
                Runtime.version(),
                System.getProperty("java.vm.name"),
                gibibytes(Runtime.getRuntime().maxMemory()));
    int feature = Runtime.version().feature();
    findings.add(
        feature == 17
            ? Finding.ok("java", value)
            : Finding.warning(
                "java", value, "Spark 3.5 is made for Java 17; set JAVA_HOME to one."));
    boolean vectors = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    findings.add(
        vectors
            ? Finding.ok("vector api", "jdk.incubator.vector is loaded")
            : Finding.failed(
                "vector api",
                "jdk.incubator.vector is not loaded",
                "Start Java with the options of spark-submit/java-options."));
  }

  private void processor() {
    int cores = Runtime.getRuntime().availableProcessors();
    List<String> sets = Machine.instructionSets();
    String value =
        "%s, %d cores, %s"
            .formatted(
                Machine.processor(),
                cores,
                sets.isEmpty() ? "unknown instruction sets" : String.join(" ", sets));
    boolean halfPrecision = sets.contains("avx512_bf16") || sets.contains("amx_bf16");
    findings.add(
        halfPrecision
            ? Finding.ok("cpu", value)
            : Finding.warning(
                "cpu", value, "No bf16 instructions were found, so training runs in fp32."));
  }

  private void memory() {
    long total = Machine.totalMemoryBytes();
    String value =
        "%s, %s available".formatted(gibibytes(total), gibibytes(Machine.availableMemoryBytes()));
    findings.add(
        total >= SMALL_MEMORY
            ? Finding.ok("memory", value)
            : Finding.warning("memory", value, "Only very small models fit; see run --dry-run."));
  }

  /** Opens the engine that training would use: that loads oneDNN and asks the processor. */
  private void engine() {
    try (Engine engine =
        Engines.open(Engines.PrecisionChoice.AUTO, Engines.defaultThreads(), Engines.Device.AUTO)) {
      findings.add(Finding.ok("engine", engine.description()));
    } catch (LinkageError e) {
      findings.add(missingLibrary("engine", e));
    }
  }

  private void nd4j() {
    try {
      String backend = Nd4j.getBackend().getClass().getSimpleName();
      findings.add(Finding.ok("nd4j", backend + ", " + Nd4j.dataType() + " by default"));
    } catch (LinkageError e) {
      findings.add(missingLibrary("nd4j", e));
    }
  }

  private static Finding missingLibrary(String name, Throwable e) {
    return Finding.failed(
        name,
        "cannot be loaded (" + String.valueOf(e.getMessage()).lines().findFirst().orElse("") + ")",
        "Build for this platform: mvn -Dnative.platform=%s package."
            .formatted(Loader.getPlatform()));
  }

  private void gpu() {
    Path driver = Path.of("/proc/driver/nvidia/version");
    findings.add(
        Files.exists(driver)
            ? Finding.warning(
                "gpu", "an NVIDIA driver is loaded", "This version trains on the CPU only.")
            : Finding.ok("gpu", "none; training runs on the CPU"));
  }

  private void networks() {
    if (!CudaBackend.isOnClassPath()) {
      findings.add(Finding.ok("dl4j networks", "train on the CPU"));
      return;
    }
    findings.add(
        CudaBackend.problem(CudaBackend.gpus())
            .map(problem -> Finding.failed("dl4j networks", problem.getMessage(), problem.hint()))
            .orElseGet(() -> Finding.ok("dl4j networks", "train on the GPU, by nd4j-cuda-11.6")));
  }

  private void spark() {
    try {
      String version = org.apache.spark.package$.MODULE$.SPARK_VERSION();
      String home = System.getenv("SPARK_HOME");
      findings.add(
          Finding.ok(
              "spark",
              version + (home == null ? ", local mode from Maven's jars" : ", from " + home)));
    } catch (NoClassDefFoundError e) {
      findings.add(
          Finding.failed(
              "spark", "is not on the class path", "Start through spark-submit/sparktune."));
    }
  }

  static String gibibytes(long bytes) {
    return "%.1f GiB".formatted((double) bytes / GIBIBYTE);
  }
}
