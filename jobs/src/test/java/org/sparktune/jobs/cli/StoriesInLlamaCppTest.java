package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Every type that models are exported in, and adapters trained on a folder and on a GGUF file with
 * one scale or several: loaded by llama.cpp they give the greedy text that they give here.
 */
@ExtendWith(SharedSpark.class)
class StoriesInLlamaCppTest {
  @TempDir private Path folder;

  @ParameterizedTest
  @ValueSource(strings = {"F32", "F16"})
  void shouldExportModelsThatLlamaCppLoads(String type) throws IOException, InterruptedException {
    Path model = Stories.folder();
    Path exported = folder.resolve("model.gguf");
    CommandRun.in(
            folder,
            "export",
            "--model",
            model,
            "--format",
            "gguf",
            "--type",
            type,
            "--output",
            exported)
        .requireDone();
    String text = Stories.generate(folder, model, null);
    assertEquals(text, Stories.generate(folder, exported, null));
    assertEquals(text, llamaCpp(exported, null));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "stories260K-hf; rank: 4",
        "stories260K-f32.gguf; rank: 4",
        "stories260K-hf; rank: 4, alpha: 4, use_rslora: true",
        "stories260K-hf; rank: 4, rank_pattern: {q_proj: 8}, alpha_pattern: {v_proj: 24}",
      })
  void shouldTrainAdaptersThatLlamaCppLoads(String base, String lora)
      throws IOException, InterruptedException {
    Path model = base.endsWith(".gguf") ? Stories.gguf() : Stories.folder();
    Files.writeString(
        folder.resolve("lines.jsonl"),
        "{\"text\": \"Once upon a time, a robot went to the moon. It sang a song.\"}\n".repeat(4));
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: robot
        output: out
        base_model: %s
        tasks:
          - name: robot
            task_type: lora_finetune
            dataset: {sources: [lines.jsonl], sequence_length: 64, packing: false}
            hyperparams:
              max_steps: 12
              learning_rate: 1.0e-2
              batch_size: 2
              precision: fp32
              lora: {%s}
        """
            .formatted(model, lora));
    CommandRun.in(folder, "run", "spec.yaml").requireDone();
    Path output = folder.resolve("out/robot");
    String text = Stories.generate(folder, model, output.resolve("adapter"));
    assertNotEquals(Stories.generate(folder, model, null), text);
    assertEquals(text, llamaCpp(Stories.gguf(), output.resolve("adapter.gguf")));
  }

  private String llamaCpp(Path model, Path adapter) throws IOException, InterruptedException {
    return LlamaCpp.complete(model, adapter, Stories.PROMPT, Stories.NEW_TOKENS, folder);
  }
}
