package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

@ExtendWith(SharedSpark.class)
class RunCommandTest {
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path folder;

  @Test
  void shouldLeaveAnAdapterMetricsAndMarksAndSkipThemTheNextTime() throws IOException {
    TinyWorkflow.write(folder);
    JsonNode first = CommandRun.in(folder, "run", "spec.yaml", "--json").requireDone().json();
    Path output = folder.resolve("out");
    assertEquals(output.toString(), first.get("output").asText());
    assertEquals(3, first.get("tasks").size());
    Path assistant = output.resolve("assistant");
    assertTrue(Files.exists(assistant.resolve("adapter/adapter_model.safetensors")));
    assertTrue(Files.exists(assistant.resolve("adapter/adapter_config.json")));
    for (String task : List.of("data", "assistant", "score")) {
      assertTrue(Files.exists(output.resolve(task).resolve("_done.json")), task);
    }
    List<JsonNode> steps = metrics(assistant);
    assertEquals(6, steps.size());
    for (int i = 0; i < steps.size(); i++) {
      assertEquals(i + 1, steps.get(i).get("step").asInt());
      for (String key : List.of("loss", "grad_norm", "lr", "tokens", "tokens_per_s")) {
        assertTrue(steps.get(i).path(key).isNumber(), key + " in " + steps.get(i));
      }
    }
    assertTrue(
        steps.get(5).get("loss").asDouble() < steps.get(0).get("loss").asDouble(), "loss falls");

    Map<String, String> before = TinyWorkflow.checksums(output);
    CommandRun again = CommandRun.in(folder, "run", "spec.yaml", "--json").requireDone();
    for (JsonNode task : again.json().get("tasks")) {
      assertTrue(task.get("skipped").asBoolean(), task.toString());
    }
    assertTrue(again.err().contains("assistant: done before, skipped"), again.err());
    assertEquals(before, TinyWorkflow.checksums(output));
  }

  @Test
  void shouldLeaveTheSameBytesWhenItIsRunTwice() throws IOException {
    TinyWorkflow.write(folder);
    CommandRun.in(folder, "train", "spec.yaml", "--output", "first").requireDone();
    CommandRun.in(folder, "train", "spec.yaml", "--output", "second").requireDone();
    assertEquals(
        TinyWorkflow.checksums(folder.resolve("first/assistant/adapter")),
        TinyWorkflow.checksums(folder.resolve("second/assistant/adapter")));
    assertFalse(Files.exists(folder.resolve("first/score")), "train leaves out the evaluation");
  }

  @Test
  void shouldChangeValuesAndTheOutputFolder() throws IOException {
    Path elsewhere = Files.createDirectories(folder.resolve("with spaces and ü/cwd"));
    TinyWorkflow.write(elsewhere.getParent());
    CommandRun run =
        CommandRun.in(
                elsewhere,
                "train",
                "../spec.yaml",
                "--output",
                "my run",
                "--set",
                "assistant.hyperparams.max_steps=2",
                "--set",
                "hyperparams.lora.rank=3")
            .requireDone();
    Path assistant = elsewhere.resolve("my run/assistant");
    assertTrue(run.out().startsWith("Output: " + elsewhere.resolve("my run")), run.out());
    assertEquals(2, metrics(assistant).size());
    JsonNode config = JSON.readTree(assistant.resolve("adapter/adapter_config.json").toFile());
    assertEquals(3, config.get("r").asInt());
    assertFalse(Files.exists(elsewhere.resolve("out")));
  }

  @Test
  void shouldWriteNothingInADryRun() throws IOException {
    TinyWorkflow.write(folder);
    Map<String, String> before = TinyWorkflow.checksums(folder);
    JsonNode plan =
        CommandRun.in(folder, "run", "spec.yaml", "--dry-run", "--json").requireDone().json();
    assertEquals(before, TinyWorkflow.checksums(folder));
    assertFalse(Files.exists(folder.resolve("out")));
    JsonNode training = plan.get("tasks").get(1);
    assertEquals(6, training.get("steps").asInt());
    assertTrue(training.get("tokens").asLong() > 0);
    assertTrue(training.get("memory_bytes").asLong() > 0);
    assertTrue(training.get("seconds").asDouble() > 0);
    CommandRun words = CommandRun.in(folder, "run", "spec.yaml", "--dry-run").requireDone();
    assertTrue(words.out().contains("assistant"), words.out());
  }

  @Test
  void shouldRefuseAnOutputThatHoldsSomethingElseAndLeaveItAlone() throws IOException {
    TinyWorkflow.write(folder);
    Files.writeString(Files.createDirectories(folder.resolve("out")).resolve("mine.txt"), "mine");
    CommandRun.in(folder, "run", "spec.yaml")
        .requireFailure(ErrorCode.OUTPUT, folder.resolve("out").toString(), "mine.txt", "--output");
    assertEquals(1, TinyWorkflow.checksums(folder.resolve("out")).size());
  }

  @Test
  void shouldRefuseATaskThatWasRunWithOtherValues() throws IOException {
    TinyWorkflow.write(folder);
    CommandRun.in(folder, "prepare", "spec.yaml").requireDone();
    Map<String, String> before = TinyWorkflow.checksums(folder.resolve("out"));
    CommandRun.in(folder, "run", "spec.yaml", "--set", "data.dataset.sequence_length=32")
        .requireFailure(ErrorCode.OUTPUT, "'data'", "other values");
    assertEquals(before, TinyWorkflow.checksums(folder.resolve("out")));
  }

  private static List<JsonNode> metrics(Path task) throws IOException {
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(task.resolve("metrics.jsonl"))) {
      JsonNode node = JSON.readTree(line);
      if (node.has("grad_norm")) {
        steps.add(node);
      }
    }
    return steps;
  }
}
