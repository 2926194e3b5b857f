package org.sparktune.jobs.faults;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparktune.jobs.cli.TinyWorkflow;
import org.sparktune.jobs.cluster.ChildProcess;
import org.sparktune.jobs.cluster.ClusterHost;
import org.sparktune.jobs.cluster.SparktuneScript;
import org.sparktune.jobs.cluster.StandaloneCluster;
import org.sparktune.jobs.cluster.TestSparkHome;

/**
 * One training that all faults disturb, with the result of nobody disturbing it: full fine-tuning
 * of a tiny model, sixty-four micro-batches a step, sixty steps, a checkpoint every five.
 */
final class FaultyRun {
  static final int STEPS = 60;
  static final Duration PATIENCE = Duration.ofMinutes(8);

  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String PREPARATION =
      """
      name: data
      output: data
      base_model: model
      tasks:
        - name: data
          task_type: prepare
          dataset: {sources: [data.jsonl], sequence_length: 64}
      """;
  private static final String TRAINING =
      """
      name: faults
      output: out
      base_model: model
      tasks:
        - name: tuned
          task_type: full_ft
          dataset: data/data/dataset
          hyperparams:
            max_steps: %d
            learning_rate: 1.0e-3
            batch_size: 2
            gradient_accumulation_steps: 64
            precision: fp32
            checkpoint_every: 5
      """
          .formatted(STEPS);

  private final Path folder;
  private final TestSparkHome spark;
  private final Map<String, String> undisturbed;
  private final List<String> undisturbedMetrics;

  private FaultyRun(Path folder) throws IOException {
    this.folder = folder;
    TinyWorkflow.write(folder);
    TinyWorkflow.writeData(folder.resolve("data.jsonl"), 8000);
    Files.writeString(folder.resolve("data.yaml"), PREPARATION);
    Files.writeString(folder.resolve("training.yaml"), TRAINING);
    spark = TestSparkHome.make(folder.resolve("spark"));
    runAlone("data.yaml", "data");
    runAlone("training.yaml", "undisturbed");
    undisturbed = result("undisturbed");
    undisturbedMetrics = metrics("undisturbed");
    assertFalse(undisturbed.isEmpty());
    assertEquals(STEPS, undisturbedMetrics.size());
  }

  /** Prepares the data and trains undisturbed, on one executor of one process. */
  static FaultyRun prepare(Path folder) throws IOException {
    return new FaultyRun(folder);
  }

  Path folder() {
    return folder;
  }

  /** A cluster of this machine. */
  StandaloneCluster cluster(String name, int workers) throws IOException {
    return StandaloneCluster.start(spark, folder.resolve(name), workers, 1, 1024);
  }

  /** A cluster on several hosts. */
  StandaloneCluster cluster(String name, List<ClusterHost> hosts) throws IOException {
    return StandaloneCluster.start(spark, folder.resolve(name), hosts, 1, 1024);
  }

  /** Starts the training on as many executors as the cluster has workers. */
  ChildProcess start(StandaloneCluster cluster, String output, String... options)
      throws IOException {
    return start(ClusterHost.LOCAL, cluster, output, options);
  }

  /** Starts the training with its driver on a host. */
  ChildProcess start(
      ClusterHost driver, StandaloneCluster cluster, String output, String... options)
      throws IOException {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "run",
                "training.yaml",
                "--output",
                output,
                "--master",
                cluster.masterUrl(),
                "--conf",
                "spark.driver.host=" + driver.address(),
                "--conf",
                "spark.executor.memory=512m",
                "--conf",
                "spark.executor.cores=1",
                "--set",
                "executors=" + cluster.workers().size()));
    arguments.addAll(List.of(options));
    return SparktuneScript.start(driver, folder, spark.environment(), arguments.toArray());
  }

  /** Waits until a run has logged a step. */
  void awaitStep(ChildProcess run, String output, int step) {
    run.awaitCondition(
        "reach step " + step,
        PATIENCE,
        () -> {
          try {
            return metrics(output).size() >= step;
          } catch (IOException e) {
            throw new UncheckedIOException(e);
          }
        });
  }

  /** Waits for the end and compares parameters and metrics with the undisturbed run's. */
  void requireUndisturbed(ChildProcess run, String output) throws IOException {
    assertEquals(0, run.awaitEnd(PATIENCE), run::output);
    assertEquals(undisturbed, result(output), run::output);
    assertEquals(undisturbedMetrics, metrics(output));
  }

  /** The newest checkpoint of a run. */
  Path newestCheckpoint(String output) throws IOException {
    try (var found = Files.list(folder.resolve(output).resolve("tuned/checkpoints"))) {
      return found
          .filter(path -> path.getFileName().toString().matches("step-[0-9]+"))
          .max(Path::compareTo)
          .orElseThrow();
    }
  }

  /** What a run's step lines say, but for how long the steps took. */
  private List<String> metrics(String output) throws IOException {
    Path file = folder.resolve(output).resolve("tuned/metrics.jsonl");
    List<String> steps = new ArrayList<>();
    if (Files.exists(file)) {
      for (String line : Files.readAllLines(file)) {
        if (line.endsWith("}")) {
          JsonNode node = JSON.readTree(line);
          if (node.has("loss")) {
            steps.add(
                "%s %s %s".formatted(node.get("step"), node.get("loss"), node.get("grad_norm")));
          }
        }
      }
    }
    return steps;
  }

  private Map<String, String> result(String output) throws IOException {
    return TinyWorkflow.checksums(folder.resolve(output).resolve("tuned/model"));
  }

  private void runAlone(String specification, String output) throws IOException {
    try (ChildProcess run =
        SparktuneScript.start(folder, Map.of(), "run", specification, "--output", output)) {
      assertEquals(0, run.awaitEnd(PATIENCE), run::output);
    }
  }
}
