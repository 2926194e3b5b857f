package org.sparktune.trainer.collective.aeron;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * Starts ranks as processes of their own, introduces them to each other and reads what they say.
 */
final class RankProcesses implements AutoCloseable {
  private static final String END = "END";

  /**
   * Where a rank runs.
   *
   * @param prefix what comes before its command
   * @param host the address it listens on
   */
  record Placement(List<String> prefix, String host) {}

  private final List<Process> processes = new ArrayList<>();
  private final List<BlockingQueue<String>> lines = new ArrayList<>();
  private final List<String> addresses = new ArrayList<>();

  /**
   * Starts ranks and lets them connect.
   *
   * @param options system properties, as {@code -Dname=value}
   * @param arguments what {@link RankProcess} is told after the rank
   */
  static RankProcesses start(int ranks, List<String> options, List<String> arguments)
      throws IOException, InterruptedException {
    return start(
        Collections.nCopies(ranks, new Placement(List.of(), "127.0.0.1")), options, arguments);
  }

  /**
   * Starts ranks in given places.
   *
   * @param placements by rank
   */
  static RankProcesses start(
      List<Placement> placements, List<String> options, List<String> arguments)
      throws IOException, InterruptedException {
    int ranks = placements.size();
    RankProcesses started = new RankProcesses();
    try {
      for (int rank = 0; rank < ranks; rank++) {
        started.launch(rank, placements.get(rank), options, arguments);
      }
      for (int rank = 0; rank < ranks; rank++) {
        started.addresses.add(started.await(rank, "ADDRESS ").substring("ADDRESS ".length()));
      }
      byte[] secret = new byte[32];
      new SecureRandom().nextBytes(secret);
      for (int rank = 0; rank < ranks; rank++) {
        started.tell(rank, HexFormat.of().formatHex(secret));
        started.tell(rank, String.join("\t", started.addresses));
      }
      return started;
    } catch (IOException | InterruptedException | RuntimeException e) {
      started.close();
      throw e;
    }
  }

  /** Waits for a line that begins so; fails when the process ends before or takes too long. */
  String await(int rank, String prefix) throws InterruptedException {
    return await(rank, prefix, Duration.ofSeconds(60));
  }

  /** Waits for a line that begins so. */
  String await(int rank, String prefix, Duration longest) throws InterruptedException {
    List<String> seen = new ArrayList<>();
    long deadline = System.nanoTime() + longest.toNanos();
    while (true) {
      String line = lines.get(rank).poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (line == null || line.equals(END)) {
        throw new AssertionError(
            "rank %d said no '%s' but %s%s"
                .formatted(rank, prefix, seen, line == null ? " in time" : " and ended"));
      }
      if (line.startsWith(prefix)) {
        return line;
      }
      if (!line.startsWith("STEP")) {
        seen.add(line);
      }
    }
  }

  /** Hands over every line a rank says until it ends. */
  void drain(int rank, Consumer<String> consumer, Duration longest) throws InterruptedException {
    long deadline = System.nanoTime() + longest.toNanos();
    while (true) {
      String line = lines.get(rank).poll(deadline - System.nanoTime(), TimeUnit.NANOSECONDS);
      if (line == null) {
        throw new AssertionError("rank %d does not end".formatted(rank));
      }
      if (line.equals(END)) {
        return;
      }
      consumer.accept(line);
    }
  }

  /** Writes a line to a rank's input. */
  void tell(int rank, String line) throws IOException {
    var output = processes.get(rank).getOutputStream();
    output.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    output.flush();
  }

  /** Sends a signal, such as STOP, CONT or KILL. */
  void signal(int rank, String name) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("kill", "-" + name, Long.toString(processes.get(rank).pid()))
            .inheritIO()
            .start();
    if (kill.waitFor() != 0) {
      throw new AssertionError("kill -" + name + " failed");
    }
  }

  /** The process's id. */
  long pid(int rank) {
    return processes.get(rank).pid();
  }

  /** The UDP port a rank listens on. */
  int port(int rank) {
    return PeerAddress.parse(addresses.get(rank)).port();
  }

  /** Waits until a process has ended. */
  void awaitEnd(int rank) throws InterruptedException {
    if (!processes.get(rank).waitFor(30, TimeUnit.SECONDS)) {
      throw new AssertionError("rank %d does not end".formatted(rank));
    }
  }

  @Override
  public void close() {
    processes.forEach(Process::destroyForcibly);
  }

  private void launch(int rank, Placement placement, List<String> options, List<String> arguments)
      throws IOException {
    List<String> command = new ArrayList<>(placement.prefix());
    command.add(ProcessHandle.current().info().command().orElse("java"));
    command.addAll(List.of("-Xmx256m", "-XX:+UseSerialGC", "--add-modules=jdk.incubator.vector"));
    command.add("-XX:TieredStopAtLevel=1"); // it ends before thorough compiling has gained anything
    command.add("-XX:CompileCommand=quiet");
    command.add("-XX:CompileCommand=dontinline,*Kernels::*");
    command.add("--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED");
    command.add("--add-opens=java.base/sun.nio.ch=ALL-UNNAMED");
    command.add("-Dhost=" + placement.host());
    command.addAll(options);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(RankProcess.class.getName());
    command.add(Integer.toString(rank));
    command.addAll(arguments);
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.DISCARD).start();
    BlockingQueue<String> queue = new LinkedBlockingQueue<>();
    processes.add(process);
    lines.add(queue);
    Thread reader = new Thread(() -> read(process, queue), "output of rank " + rank);
    reader.setDaemon(true);
    reader.start();
  }

  private static void read(Process process, BlockingQueue<String> queue) {
    try (BufferedReader reader = process.inputReader(StandardCharsets.UTF_8)) {
      String line;
      while ((line = reader.readLine()) != null) {
        queue.add(line);
      }
    } catch (IOException e) {
      if (process.isAlive()) {
        throw new UncheckedIOException(e);
      }
    } finally {
      queue.add(END);
    }
  }
}
