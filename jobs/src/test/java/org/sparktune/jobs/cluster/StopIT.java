package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.jobs.cli.TinyWorkflow;

/** Runs of the packaged launcher that are stopped or killed, and then started again. */
class StopIT {
  private static final Duration RUN = Duration.ofMinutes(3);

  /** What Java ends with after SIGTERM. */
  private static final int TERMINATED = 143;

  private static final int KILLED = 137;

  /** These runs compute long enough to gain from thorough compiling. */
  private static final Map<String, String> ENVIRONMENT = Map.of("SPARKTUNE_JAVA_OPTS", "");

  /** Enough that a signal finds the training at work. */
  private static final List<String> LONG_TRAINING =
      List.of(
          "--set",
          "hyperparams.max_steps=400",
          "--set",
          "hyperparams.checkpoint_every=25",
          "--set",
          "hyperparams.evaluate_every=0");

  @TempDir private Path folder;

  @BeforeEach
  void write() throws IOException {
    TinyWorkflow.write(folder);
  }

  @Test
  void shouldGoOnToTheSameBitsAfterBeingToldToEndAndAfterBeingKilled() throws IOException {
    finish("undisturbed");

    try (ChildProcess told = train("stopped")) {
      awaitMetrics(told, "stopped", 20);
      told.terminate();
      assertEquals(TERMINATED, told.awaitEnd(RUN), told::output);
      assertTrue(told.output().contains("was stopped after step"), told::output);
      assertFalse(told.output().contains("Exception"), told::output);
    }
    List<String> checkpoints = names(folder.resolve("stopped/assistant/checkpoints"));
    assertTrue(
        checkpoints.get(checkpoints.size() - 1).matches("step-\\d{8}"), checkpoints::toString);
    assertFalse(Files.exists(folder.resolve("stopped/assistant/adapter")));
    int before = metricLines("stopped");

    try (ChildProcess killed = train("stopped")) {
      awaitMetrics(killed, "stopped", before + 40);
      killed.kill();
      assertEquals(KILLED, killed.awaitEnd(RUN), killed::output);
    }
    finish("stopped");

    assertEquals(adapter("undisturbed"), adapter("stopped"));
    assertEquals(steps("undisturbed"), steps("stopped"), "no step lost or told twice");
  }

  @Test
  void shouldCleanUpWhenAPreparationIsToldToEndAndGoOnAfterOneWasKilled() throws IOException {
    writeMuchData();
    Path output = folder.resolve("out");
    Path staging = output.resolve("data/.dataset.preparing");
    try (ChildProcess told = SparktuneScript.start(folder, ENVIRONMENT, "prepare", "spec.yaml")) {
      told.awaitCondition("start preparing", RUN, () -> Files.isDirectory(staging));
      told.awaitLine(Pattern.compile("Preparing \\d+ pieces"), RUN);
      long begin = System.nanoTime();
      told.terminate();
      assertEquals(TERMINATED, told.awaitEnd(RUN), told::output);
      Duration taken = Duration.ofNanos(System.nanoTime() - begin);
      assertTrue(told.output().contains("The preparation was stopped."), told::output);
      assertTrue(taken.toSeconds() < 60, () -> "at once, not " + taken + ":\n" + told.output());
    }
    assertFalse(Files.exists(output), "nothing half-written");

    try (ChildProcess killed = SparktuneScript.start(folder, ENVIRONMENT, "prepare", "spec.yaml")) {
      killed.awaitLine(Pattern.compile("Preparing \\d+ pieces"), RUN);
      killed.kill();
      assertEquals(KILLED, killed.awaitEnd(RUN), killed::output);
    }
    assertTrue(Files.isDirectory(staging), "killed in the middle");
    assertFalse(Files.exists(output.resolve("data/dataset")), "nothing half-written");
    run("prepare", "out");
    run("prepare", "undisturbed");
    Path same = folder.resolve("undisturbed/data/dataset");
    Path dataset = output.resolve("data/dataset");
    assertEquals(
        Files.readString(same.resolve("_manifest.json")),
        Files.readString(dataset.resolve("_manifest.json")));
    for (String part : List.of("train/part-00000.parquet", "validation/part-00000.parquet")) {
      assertArrayEquals(columns(same.resolve(part)), columns(dataset.resolve(part)), part);
    }
    assertFalse(Files.exists(staging));
  }

  @Test
  void shouldRefuseASecondRunWithTheSameOutput() throws IOException {
    try (ChildProcess first = train("out")) {
      awaitMetrics(first, "out", 5);
      try (ChildProcess second = train("out")) {
        assertEquals(10, second.awaitEnd(RUN), second::output);
        assertTrue(second.output().contains("Another run is writing to"), second::output);
      }
      first.terminate();
      assertEquals(TERMINATED, first.awaitEnd(RUN), first::output);
      assertTrue(first.output().contains("was stopped after step"), first::output);
    }
  }

  private ChildProcess train(String output) throws IOException {
    List<Object> arguments = new ArrayList<>(List.of("train", "spec.yaml", "--output", output));
    arguments.addAll(LONG_TRAINING);
    return SparktuneScript.start(folder, ENVIRONMENT, arguments.toArray());
  }

  private void finish(String output) throws IOException {
    try (ChildProcess run = train(output)) {
      assertEquals(0, run.awaitEnd(RUN), run::output);
    }
  }

  private void run(String command, String output) throws IOException {
    try (ChildProcess run =
        SparktuneScript.start(folder, ENVIRONMENT, command, "spec.yaml", "--output", output)) {
      assertEquals(0, run.awaitEnd(RUN), run::output);
    }
  }

  private void awaitMetrics(ChildProcess run, String output, int lines) {
    run.awaitCondition(
        "write %d lines of metrics".formatted(lines), RUN, () -> metricLines(output) >= lines);
  }

  private int metricLines(String output) {
    Path metrics = folder.resolve(output).resolve("assistant/metrics.jsonl");
    try {
      return Files.exists(metrics) ? Files.readAllLines(metrics).size() : 0;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The metrics without their speeds, which differ from run to run. */
  private List<String> steps(String output) throws IOException {
    List<String> steps = new ArrayList<>();
    for (String line :
        Files.readAllLines(folder.resolve(output).resolve("assistant/metrics.jsonl"))) {
      steps.add(line.replaceFirst(",\"tokens_per_s\":[^}]*", ""));
    }
    return steps;
  }

  private Map<String, String> adapter(String output) throws IOException {
    return TinyWorkflow.checksums(folder.resolve(output).resolve("assistant/adapter"));
  }

  /**
   * A Parquet file's columns without its footer: parquet-hadoop lists a column's encodings there in
   * the order of a hash set of enums, which differs from process to process.
   */
  private static byte[] columns(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    int trailer = 2 * Integer.BYTES;
    int footer = bytes.getInt(bytes.limit() - trailer);
    return Arrays.copyOf(bytes.array(), bytes.limit() - trailer - footer);
  }

  /** More than is prepared before a signal arrives. */
  private void writeMuchData() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < 100_000; i++) {
      lines.append(TinyWorkflow.record(i)).append('\n');
    }
    Files.writeString(folder.resolve("data.jsonl"), lines);
  }

  private static List<String> names(Path parent) throws IOException {
    try (Stream<Path> entries = Files.list(parent)) {
      return entries.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }
}
