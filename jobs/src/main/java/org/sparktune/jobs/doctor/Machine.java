package org.sparktune.jobs.doctor;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** The processor and memory of this machine. */
public final class Machine {
  /** Instruction sets that decide how fast training is, as Linux spells them. */
  private static final List<String> RELEVANT_FLAGS =
      List.of("avx2", "fma", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_tile");

  private static final Path CPU_INFO = Path.of("/proc/cpuinfo");
  private static final Path MEMORY_INFO = Path.of("/proc/meminfo");

  private Machine() {}

  /** Bytes of memory that this process can use: the container's limit or the machine's memory. */
  public static long totalMemoryBytes() {
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getTotalMemorySize();
  }

  /**
   * Bytes that can be taken now without swapping. Linux counts the file cache as available; where
   * the system does not say, free memory stands in.
   */
  public static long availableMemoryBytes() {
    for (String line : lines(MEMORY_INFO)) {
      if (line.startsWith("MemAvailable:")) {
        long available = Long.parseLong(line.replaceAll("[^0-9]", "")) * 1024;
        return Math.min(available, totalMemoryBytes());
      }
    }
    return ((com.sun.management.OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean())
        .getFreeMemorySize();
  }

  /** The processor's name, or its architecture where the system does not say. */
  static String processor() {
    for (String line : lines(CPU_INFO)) {
      if (line.startsWith("model name")) {
        return line.substring(line.indexOf(':') + 1).strip();
      }
    }
    return System.getProperty("os.arch");
  }

  /** Those of the processor's instruction sets that matter here. */
  static List<String> instructionSets() {
    for (String line : lines(CPU_INFO)) {
      if (line.startsWith("flags")) {
        Set<String> flags = Set.of(line.substring(line.indexOf(':') + 1).strip().split("\\s+"));
        List<String> found = new ArrayList<>();
        for (String flag : RELEVANT_FLAGS) {
          if (flags.contains(flag)) {
            found.add(flag);
          }
        }
        return List.copyOf(found);
      }
    }
    return System.getProperty("os.arch").toLowerCase(Locale.ROOT).equals("aarch64")
        ? List.of("neon")
        : List.of();
  }

  private static List<String> lines(Path file) {
    if (!Files.isReadable(file)) {
      return List.of();
    }
    try {
      return Files.readAllLines(file);
    } catch (IOException e) {
      // A pseudo file that is there but does not answer tells as little as one that is not there.
      return List.of();
    }
  }
}
