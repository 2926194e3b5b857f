package org.sparktune.trainer.collective.aeron;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/**
 * A rank that is a process of its own: prints its address, reads everybody's, works, prints what
 * happened. {@link RankProcesses} starts them.
 *
 * <p>Arguments: rank, then {@code steps ELEMENTS} (all-reduces until it is told to stop) or {@code
 * measure MIB...}. Options come from system properties {@code medium}, {@code wire}, {@code
 * mtuLength}, {@code termLength}, {@code peerTimeoutMillis}.
 */
final class RankProcess {
  /** Some 25,000 frames over shared memory: with fewer, the compiler is measured at work. */
  private static final int WARM_UP = 100;

  private static final long WARM_UP_BYTES = 16L << 20;
  private static final int ROUNDS = 12;

  private RankProcess() {}

  /** Entry point. */
  public static void main(String[] arguments) throws IOException {
    int rank = Integer.parseInt(arguments[0]);
    BufferedReader input =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (CollectiveEndpoint endpoint = CollectiveEndpoint.open(options())) {
      say("ADDRESS " + endpoint.address());
      byte[] secret = HexFormat.of().parseHex(input.readLine());
      List<String> addresses = List.of(input.readLine().split("\t", -1));
      try (Collective collective =
          endpoint.connect(rank, addresses, new RunKey("processes", 0, secret))) {
        say("CONNECTED");
        String[] rest = Arrays.copyOfRange(arguments, 2, arguments.length);
        switch (arguments[1]) {
          case "steps" -> step(collective, Integer.parseInt(rest[0]), input);
          case "measure" -> measure(collective, rest);
          default -> throw new IllegalArgumentException(arguments[1]);
        }
      }
      say("DONE");
    } catch (SparktuneException e) {
      say("FAILED " + e.code() + " " + e.getMessage());
    }
  }

  private static CollectiveOptions options() {
    return CollectiveOptions.builder()
        .medium(Medium.valueOf(System.getProperty("medium", "AUTO")))
        .wire(WireType.valueOf(System.getProperty("wire", "F32")))
        .host(System.getProperty("host", "127.0.0.1"))
        .directory(
            DriverFolder.parent(Optional.ofNullable(System.getProperty("directory")).map(Path::of)))
        .mtuLength(Integer.getInteger("mtuLength", 1408))
        .termLength(Integer.getInteger("termLength", 2 << 20))
        .ipcTermLength(Integer.getInteger("ipcTermLength", 1 << 20))
        .initialWindowLength(Integer.getInteger("initialWindowLength", 0))
        .peerTimeout(Duration.ofMillis(Long.getLong("peerTimeoutMillis", 30_000)))
        .build();
  }

  /** All-reduces until some rank's input has ended; every result is checked. */
  private static void step(Collective collective, int elements, BufferedReader input)
      throws IOException {
    int ranks = collective.ranks();
    try (Arena arena = new Arena("steps")) {
      Tensor bucket = arena.allocate(DType.F32, elements);
      for (long step = 0; ; step++) {
        collective.beginStep(step);
        fill(bucket, (float) (collective.rank() + step));
        collective.allReduce(bucket).join();
        float expected = ranks * (ranks - 1) / 2f + ranks * step;
        if (bucket.getFloat(0) != expected || bucket.getFloat(elements - 1) != expected) {
          say("WRONG " + step + " " + bucket.getFloat(0) + " instead of " + expected);
        }
        say("STEP " + step);
        long[] stop = {input.ready() ? 1 : 0};
        collective.sum(stop);
        if (stop[0] > 0) {
          return;
        }
      }
    }
  }

  private static void measure(Collective collective, String[] sizes) {
    int ranks = collective.ranks();
    for (int round = 0; round < WARM_UP; round++) {
      time(collective, WARM_UP_BYTES, 1);
    }
    for (String size : sizes) {
      long bytes = Long.parseLong(size) << 20;
      double seconds = time(collective, bytes, ROUNDS);
      if (collective.rank() == 0) {
        double bus = 2.0 * (ranks - 1) / ranks * bytes / seconds / 1e9;
        say("RESULT %d %s %.3f ms %.2f GB/s".formatted(ranks, size, seconds * 1e3, bus));
      }
    }
    say("COUNTERS " + ((AeronCollective) collective).counters());
  }

  /** The median of the rounds after the first two, in seconds. */
  private static double time(Collective collective, long bytes, int rounds) {
    double[] seconds = new double[rounds];
    int ranks = collective.ranks();
    try (Arena arena = new Arena("measure")) {
      Tensor bucket = arena.allocate(DType.F32, bytes / Float.BYTES);
      for (int round = 0; round < rounds; round++) {
        fill(bucket, collective.rank() + 1);
        collective.barrier();
        long start = System.nanoTime();
        collective.allReduce(bucket).join();
        seconds[round] = (System.nanoTime() - start) / 1e9;
        float expected = ranks * (ranks + 1) / 2f;
        if (bucket.getFloat(0) != expected || bucket.getFloat(bucket.size() - 1) != expected) {
          throw new AssertionError("wrong sum " + bucket.getFloat(0));
        }
      }
    }
    int from = Math.min(2, rounds - 1);
    Arrays.sort(seconds, from, rounds);
    return seconds[from + (rounds - from) / 2];
  }

  private static void fill(Tensor bucket, float value) {
    long first = bucket.address();
    bucket.setFloat(0, value);
    long bytes = bucket.byteSize();
    for (long done = Float.BYTES; done < bytes; done *= 2) {
      Memory.copy(first, first + done, Math.min(done, bytes - done));
    }
  }

  private static void say(String line) {
    System.out.println(line);
    System.out.flush();
  }
}
