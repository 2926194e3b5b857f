package org.sparktune.trainer.collective.aeron;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * Measures all-reduces of ranks that are processes, and one thread's memory copies. Arguments:
 * {@code copy MIB...} or {@code RANKS MIB...}; system properties {@code medium} and others of
 * {@link RankProcess} are handed on.
 */
final class AllReduceBenchmark {
  private static final List<String> HANDED_ON =
      List.of("medium", "wire", "mtuLength", "termLength", "ipcTermLength", "initialWindowLength");

  private AllReduceBenchmark() {}

  /** Entry point. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    String[] sizes = Arrays.copyOfRange(arguments, 1, arguments.length);
    if (arguments[0].equals("copy")) {
      copy(sizes);
      return;
    }
    List<String> options =
        HANDED_ON.stream()
            .filter(name -> System.getProperty(name) != null)
            .map(name -> "-D" + name + "=" + System.getProperty(name))
            .toList();
    int ranks = Integer.parseInt(arguments[0]);
    String[] measure = new String[sizes.length + 1];
    measure[0] = "measure";
    System.arraycopy(sizes, 0, measure, 1, sizes.length);
    try (RankProcesses processes = RankProcesses.start(ranks, options, List.of(measure))) {
      processes.drain(0, System.out::println, Duration.ofMinutes(5));
    }
  }

  private static void copy(String[] sizes) {
    for (String size : sizes) {
      long bytes = Long.parseLong(size) << 20;
      double[] seconds = new double[11];
      try (Arena arena = new Arena("copy")) {
        Tensor from = arena.allocate(DType.F32, bytes / Float.BYTES);
        Tensor to = arena.allocate(DType.F32, bytes / Float.BYTES);
        from.zero();
        to.zero();
        for (int round = 0; round < seconds.length; round++) {
          long start = System.nanoTime();
          Memory.copy(from.address(), to.address(), bytes);
          seconds[round] = (System.nanoTime() - start) / 1e9;
        }
      }
      Arrays.sort(seconds);
      double median = seconds[seconds.length / 2];
      System.out.printf(
          "RESULT 1 %s %.3f ms %.2f GB/s%n", size, median * 1e3, bytes / median / 1e9);
    }
  }
}
