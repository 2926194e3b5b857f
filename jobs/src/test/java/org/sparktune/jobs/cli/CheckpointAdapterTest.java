package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

/** A run's checkpoints where an adapter is asked for. */
@ExtendWith(SharedSpark.class)
class CheckpointAdapterTest {
  @TempDir private static Path folder;
  private static final String CHECKPOINTS = "out/assistant/checkpoints/";

  @BeforeAll
  static void train() throws IOException {
    TinyWorkflow.write(folder);
    CommandRun.in(folder, "train", "spec.yaml", "--set", "hyperparams.lora.use_rslora=true")
        .requireDone();
  }

  @Test
  void shouldGiveWhatTheAdapterGives() throws IOException {
    assertEquals(6, steps().get(steps().size() - 1), "the last step was saved");
    JsonNode adapter = evaluate("out/assistant/adapter");
    assertEquals(adapter, evaluate(CHECKPOINTS + "latest"));
    assertEquals(adapter, evaluate(CHECKPOINTS + "step-00000006"));
    assertNotEquals(adapter, evaluate(CHECKPOINTS + "step-%08d".formatted(steps().get(0))));
    assertEquals(generate("out/assistant/adapter"), generate(CHECKPOINTS + "latest"));
  }

  @Test
  void shouldExportTheSameAdapter() throws IOException {
    for (String source : List.of("out/assistant/adapter", CHECKPOINTS + "latest")) {
      String output = source.endsWith("latest") ? "of-checkpoint" : "of-adapter";
      CommandRun.in(
              folder,
              "export",
              "--model",
              "model",
              "--adapter",
              source,
              "--format",
              "peft",
              "--output",
              output)
          .requireDone();
    }
    String weights = "adapter_model.safetensors";
    assertEquals(
        TinyWorkflow.checksums(folder.resolve("of-adapter")).get(weights),
        TinyWorkflow.checksums(folder.resolve("of-checkpoint")).get(weights));
  }

  @Test
  void shouldSayWhatCannotBeUsed() throws IOException {
    fail("out/assistant/checkpoints").requireFailure(ErrorCode.USAGE, "checkpoints", "latest");
    fail("out/assistant/checkpoints/step-00009999").requireFailure(ErrorCode.BAD_FILE);

    Path damaged = Files.createDirectories(folder.resolve("damaged"));
    Path whole = folder.resolve(CHECKPOINTS + "step-00000006");
    try (Stream<Path> files = Files.list(whole)) {
      for (Path file : files.toList()) {
        byte[] bytes = Files.readAllBytes(file);
        Files.write(damaged.resolve(file.getFileName()), Arrays.copyOf(bytes, bytes.length - 4));
      }
    }
    fail("damaged").requireFailure(ErrorCode.BAD_FILE, "damaged");
  }

  @Test
  void shouldSayThatACheckpointOfAWholeModelHoldsNoAdapter() throws IOException {
    Files.writeString(
        folder.resolve("whole.yaml"),
        """
        name: whole
        output: whole
        tasks:
          - name: full
            task_type: full_ft
            base_model: model
            dataset: out/data/dataset
            hyperparams: {max_steps: 2, batch_size: 2, precision: fp32}
        """);
    CommandRun.in(folder, "train", "whole.yaml").requireDone();
    fail("whole/full/checkpoints/latest")
        .requireFailure(ErrorCode.UNSUPPORTED, "whole model", "no adapter");
    CommandRun.in(
            folder,
            "generate",
            "--model",
            "whole/full/model",
            "--adapter",
            CHECKPOINTS + "latest",
            "--prompt",
            "What")
        .requireDone();
  }

  private static CommandRun fail(String adapter) {
    return CommandRun.in(
        folder, "evaluate", "--model", "model", "--adapter", adapter, "--data", "data.jsonl");
  }

  private static JsonNode evaluate(String adapter) throws IOException {
    return CommandRun.in(
            folder,
            "evaluate",
            "--model",
            "model",
            "--adapter",
            adapter,
            "--data",
            "data.jsonl",
            "--json")
        .requireDone()
        .json();
  }

  private static String generate(String adapter) {
    return CommandRun.in(
            folder,
            "generate",
            "--model",
            "model",
            "--adapter",
            adapter,
            "--prompt",
            "What is",
            "--max-new-tokens",
            4)
        .requireDone()
        .out();
  }

  private static List<Integer> steps() throws IOException {
    List<Integer> steps = new ArrayList<>();
    try (Stream<Path> folders = Files.list(folder.resolve(CHECKPOINTS))) {
      for (Path found : folders.filter(Files::isDirectory).sorted().toList()) {
        steps.add(Integer.parseInt(found.getFileName().toString().substring(5)));
      }
    }
    return steps;
  }
}
