package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparktune.jobs.cli.CommandRun;
import org.sparktune.jobs.cli.TinyWorkflow;

/**
 * A training of a few seconds with work for four ranks, and what one executor makes of it.
 *
 * @param folder where the specification is
 * @param undisturbed the checksums of the adapter that one executor trains
 */
record RanksWorkflow(Path folder, Map<String, String> undisturbed) {
  static final int STEPS = 24;
  private static final ObjectMapper JSON = new ObjectMapper();

  /** Writes the workflow and trains it with one executor, in this process. */
  static RanksWorkflow make(Path folder) throws IOException {
    TinyWorkflow.write(folder);
    CommandRun prepared = CommandRun.in(folder, "prepare", "spec.yaml", "--output", "data");
    assertEquals(0, prepared.status(), prepared.err());
    CommandRun run = CommandRun.in(folder, (Object[]) command("one", 1));
    assertEquals(0, run.status(), run.err());
    RanksWorkflow workflow = new RanksWorkflow(folder, adapter(folder, "one"));
    assertFalse(workflow.undisturbed().isEmpty());
    return workflow;
  }

  /** The command that trains it from the prepared dataset. */
  static String[] command(String output, int executors, String... more) {
    List<String> words = new ArrayList<>(List.of("train", "spec.yaml", "--output", output));
    for (String setting :
        List.of(
            "executors=" + executors,
            "assistant.dataset=data/data/dataset",
            "hyperparams.gradient_accumulation_steps=4",
            "hyperparams.max_steps=" + STEPS,
            "hyperparams.checkpoint_every=4",
            "hyperparams.evaluate_every=8",
            "cluster.peer_timeout_seconds=10")) {
      words.add("--set");
      words.add(setting);
    }
    words.addAll(List.of(more));
    return words.toArray(new String[0]);
  }

  /** Fails unless an output is what one executor made, every step of it told once. */
  void requireSame(String output) throws IOException {
    assertEquals(undisturbed, adapter(folder, output), "the adapter's files");
    List<Long> steps = new ArrayList<>();
    List<Double> losses = new ArrayList<>();
    read(output, steps, losses);
    List<Long> expectedSteps = new ArrayList<>();
    List<Double> expectedLosses = new ArrayList<>();
    read("one", expectedSteps, expectedLosses);
    assertEquals(STEPS, expectedSteps.size());
    assertEquals(expectedSteps, steps);
    assertEquals(expectedLosses, losses);
  }

  /** A task folder's place in an output. */
  Path task(String output) {
    return folder.resolve(output).resolve("assistant");
  }

  private void read(String output, List<Long> steps, List<Double> losses) throws IOException {
    for (String line : Files.readAllLines(task(output).resolve("metrics.jsonl"))) {
      JsonNode node = JSON.readTree(line);
      if (node.has("loss")) {
        steps.add(node.get("step").asLong());
        losses.add(node.get("loss").asDouble());
      }
    }
  }

  private static Map<String, String> adapter(Path folder, String output) throws IOException {
    return TinyWorkflow.checksums(folder.resolve(output).resolve("assistant/adapter"));
  }
}
