package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What sparktune writes is loaded by llama.cpp, which then says the same. */
@ExtendWith(SharedSpark.class)
class LlamaCppParityTest {
  private static final Path CONF = Path.of("..", "conf").toAbsolutePath().normalize();
  private static final Path STORIES =
      Path.of(System.getProperty("sparktune.shared"), "assets", "models");

  @TempDir Path folder;

  @Test
  void shouldTellTheSameStoriesAsLlamaCpp() throws IOException, InterruptedException {
    assumeTrue(Files.isDirectory(STORIES), "the shared models are not beside this checkout");
    String prompt = "Once upon a time";
    Path model = STORIES.resolve("stories260K-f32.gguf");
    Path lora = STORIES.resolve("stories260K-lora-f32.gguf");
    assertEquals(
        LlamaCpp.complete(model, null, prompt, 48, folder), generate(model, null, prompt, 48));
    assertEquals(
        LlamaCpp.complete(model, lora, prompt, 48, folder),
        generate(model, STORIES.resolve("stories260K-lora-peft"), prompt, 48));
  }

  @Test
  void shouldExportModelsThatLlamaCppReads() throws IOException, InterruptedException {
    assumeTrue(Files.isDirectory(STORIES), "the shared models are not beside this checkout");
    String prompt = "One day, Tim";
    Path source = STORIES.resolve("stories260K-hf");
    Path exported = folder.resolve("merged.gguf");
    CommandRun.in(
            folder,
            "export",
            "--model",
            source,
            "--adapter",
            STORIES.resolve("stories260K-lora-peft"),
            "--format",
            "gguf",
            "--type",
            "F32",
            "--output",
            exported)
        .requireDone();
    assertEquals(
        LlamaCpp.complete(exported, null, prompt, 40, folder),
        generate(source, STORIES.resolve("stories260K-lora-peft"), prompt, 40));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"use_rslora=false", "use_rslora=true", "rank_pattern={down_proj: 4, q_proj: 2}"})
  void shouldTrainAdaptersThatLlamaCppReads(String option)
      throws IOException, InterruptedException {
    Path base = CONF.resolve("quickstart/base.gguf");
    CommandRun.in(
            folder,
            "train",
            CONF.resolve("quickstart.yaml"),
            "--output",
            folder.resolve("out"),
            "--set",
            "assistant.hyperparams.max_steps=8",
            "--set",
            "assistant.hyperparams.warmup_ratio=0",
            "--set",
            "assistant.hyperparams.lora." + option)
        .requireDone();
    Path task = folder.resolve("out/assistant");
    String prompt = "Question: What does a cow say?\nAnswer:";
    String ours = generate(base, task.resolve("adapter"), prompt, 12);
    assertEquals(LlamaCpp.complete(base, task.resolve("adapter.gguf"), prompt, 12, folder), ours);
    assertNotEquals(generate(base, null, prompt, 12), ours);
  }

  private String generate(Path model, Path adapter, String prompt, int tokens) throws IOException {
    Object[] plain = {
      "generate",
      "--model",
      model,
      "--prompt",
      prompt,
      "--max-new-tokens",
      tokens,
      "--temperature",
      0,
      "--json"
    };
    Object[] words = plain;
    if (adapter != null) {
      words = Arrays.copyOf(plain, plain.length + 2);
      words[plain.length] = "--adapter";
      words[plain.length + 1] = adapter;
    }
    return CommandRun.in(folder, words).requireDone().json().get("text").asText();
  }
}
