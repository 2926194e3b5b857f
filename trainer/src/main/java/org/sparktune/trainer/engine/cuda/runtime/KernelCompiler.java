package org.sparktune.trainer.engine.cuda.runtime;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import org.bytedeco.cuda.global.nvrtc;
import org.bytedeco.cuda.nvrtc._nvrtcProgram;
import org.bytedeco.javacpp.BytePointer;
import org.bytedeco.javacpp.Pointer;
import org.bytedeco.javacpp.PointerPointer;
import org.bytedeco.javacpp.SizeTPointer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Compiles CUDA C++ resources for a GPU with NVRTC and keeps the machine code on disk, by a hash of
 * source, options and compiler, so that only the first process on a machine compiles.
 */
final class KernelCompiler {
  private static final Logger LOG = LoggerFactory.getLogger(KernelCompiler.class);

  private final String architecture;
  private final Path cache;

  /**
   * @param capability compute capability times ten
   */
  KernelCompiler(int capability) {
    // wgmma and setmaxnreg exist in the architecture-specific set of Hopper and its successors
    // only.
    architecture = "sm_" + capability + (capability >= 90 ? "a" : "");
    cache = cacheFolder();
  }

  private static Path cacheFolder() {
    String given = System.getProperty("sparktune.kernels");
    if (given != null) {
      return Path.of(given);
    }
    String base = System.getenv("XDG_CACHE_HOME");
    return (base == null || base.isEmpty()
            ? Path.of(System.getProperty("user.home"), ".cache")
            : Path.of(base))
        .resolve("sparktune")
        .resolve("kernels");
  }

  /**
   * Machine code of a resource.
   *
   * @param file its name, such as {@code norm.cu}
   * @param definitions macros and other options, such as {@code -DELEMENT=float}
   */
  byte[] compile(String file, List<String> definitions) {
    String source = KernelSources.read(file);
    List<String> options = new ArrayList<>();
    options.add("--gpu-architecture=" + architecture);
    options.add("--std=c++17");
    options.addAll(definitions);
    Path kept = cache.resolve(key(source, options) + ".cubin");
    try {
      if (Files.isRegularFile(kept)) {
        return Files.readAllBytes(kept);
      }
    } catch (IOException e) {
      LOG.warn("A compiled kernel cannot be read from {} ({}); it is compiled again.", kept, e);
    }
    byte[] code = compile(file, source, options);
    keep(kept, code);
    return code;
  }

  private static void keep(Path kept, byte[] code) {
    try {
      Files.createDirectories(kept.getParent());
      Path written = Files.createTempFile(kept.getParent(), "kernel", ".partial");
      Files.write(written, code);
      Files.move(written, kept, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      LOG.warn("Compiled kernels cannot be kept in {} ({}).", kept.getParent(), e.toString());
    }
  }

  private static String key(String source, List<String> options) {
    int[] major = new int[1];
    int[] minor = new int[1];
    check(nvrtc.nvrtcVersion(major, minor), "nvrtcVersion");
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      digest.update(source.getBytes(StandardCharsets.UTF_8));
      digest.update(
          "%s NVRTC %d.%d".formatted(options, major[0], minor[0]).getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest.digest(), 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  private static byte[] compile(String file, String source, List<String> options) {
    _nvrtcProgram program = new _nvrtcProgram();
    try (BytePointer text = new BytePointer(source, StandardCharsets.UTF_8);
        BytePointer name = new BytePointer(file, StandardCharsets.UTF_8);
        PointerPointer<Pointer> arguments = new PointerPointer<>(options.toArray(new String[0]))) {
      check(
          nvrtc.nvrtcCreateProgram(
              program, text, name, 0, (PointerPointer<?>) null, (PointerPointer<?>) null),
          "nvrtcCreateProgram");
      int status = nvrtc.nvrtcCompileProgram(program, options.size(), arguments);
      if (status != 0) {
        throw new SparktuneException(
            ErrorCode.INTERNAL,
            "The GPU kernels in %s do not compile with %s: %s"
                .formatted(file, options, log(program)),
            "Report this together with the version of the CUDA libraries.");
      }
      return code(program);
    } finally {
      nvrtc.nvrtcDestroyProgram(program);
    }
  }

  private static byte[] code(_nvrtcProgram program) {
    try (SizeTPointer size = new SizeTPointer(1)) {
      check(nvrtc.nvrtcGetCUBINSize(program, size), "nvrtcGetCUBINSize");
      byte[] code = new byte[Math.toIntExact(size.get())];
      check(nvrtc.nvrtcGetCUBIN(program, code), "nvrtcGetCUBIN");
      return code;
    }
  }

  private static String log(_nvrtcProgram program) {
    try (SizeTPointer size = new SizeTPointer(1)) {
      check(nvrtc.nvrtcGetProgramLogSize(program, size), "nvrtcGetProgramLogSize");
      byte[] log = new byte[Math.toIntExact(size.get())];
      check(nvrtc.nvrtcGetProgramLog(program, log), "nvrtcGetProgramLog");
      return new String(log, StandardCharsets.UTF_8).trim();
    }
  }

  private static void check(int status, String call) {
    if (status != 0) {
      throw new SparktuneException(
          ErrorCode.INTERNAL,
          "NVRTC refused %s: %s.".formatted(call, nvrtc.nvrtcGetErrorString(status).getString()),
          "Report this together with the version of the CUDA libraries.");
    }
  }
}
