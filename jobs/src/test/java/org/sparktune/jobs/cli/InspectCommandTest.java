package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;

@ExtendWith(SharedSpark.class)
class InspectCommandTest {
  @TempDir private Path folder;

  @Test
  void shouldTellWhatARunReadAndWrote() throws IOException {
    TinyWorkflow.write(folder);
    CommandRun.in(folder, "train", "spec.yaml").requireDone();
    JsonNode model = inspect("model", "huggingface");
    assertEquals(32, model.get("facts").get("hidden_size").asInt());
    assertEquals(
        model.get("parameters"),
        inspect("model/model.safetensors", "safetensors").get("parameters"));
    JsonNode adapter = inspect("out/assistant/adapter", "adapter");
    assertEquals(2, adapter.get("facts").get("r").asInt());
    assertEquals("F32", adapter.get("tensors").get(0).get("type").asText());
    JsonNode forLlamaCpp = inspect("out/assistant/adapter.gguf", "gguf");
    assertEquals("adapter", forLlamaCpp.get("facts").get("general.type").asText());
    assertEquals(adapter.get("parameters"), forLlamaCpp.get("parameters"));
    assertEquals(
        64, inspect("out/data/dataset", "dataset").get("facts").get("sequence_length").asInt());
    JsonNode checkpoint = inspect("out/assistant/checkpoints/step-00000006", "checkpoint");
    assertEquals(6, checkpoint.get("facts").get("progress").get("step").asInt());
    assertEquals(adapter.get("parameters"), checkpoint.get("parameters"));
    JsonNode all = inspect("out/assistant/checkpoints", "checkpoints");
    assertEquals("step-00000006", all.get("facts").get("latest").asText());
    assertEquals(1, all.get("facts").get("step-00000006").get("ranks").asInt());
    JsonNode latest =
        CommandRun.in(folder, "inspect", "out/assistant/checkpoints/latest", "--json")
            .requireDone()
            .json();
    assertEquals(checkpoint.get("facts"), latest.get("facts"));
    JsonNode there =
        CommandRun.in(
                folder, "inspect", "file://" + folder + "/out/assistant/checkpoints", "--json")
            .requireDone()
            .json();
    assertEquals(all.get("facts"), there.get("facts"));
    String words = CommandRun.in(folder, "inspect", "model").requireDone().out();
    assertTrue(words.contains("model.layers.1.mlp.up_proj.weight"), words);
  }

  @Test
  void shouldTellOfAGgufModelWhatItsMetadataSays() throws IOException {
    TinyModel.write(folder.resolve("model"));
    CommandRun.in(folder, "export", "--model", "model", "--format", "gguf", "--output", "m.gguf")
        .requireDone();
    JsonNode gguf = inspect("m.gguf", "gguf");
    assertEquals("llama", gguf.get("facts").get("general.architecture").asText());
    assertEquals(32, gguf.get("facts").get("llama.embedding_length").asInt());
    assertEquals(inspect("model", "huggingface").get("parameters"), gguf.get("parameters"));
    // Hundreds of tokens are no fact to read through.
    assertTrue(
        gguf.get("facts").get("tokenizer.ggml.tokens").toString().length() < 200,
        gguf.get("facts")::toString);
  }

  @Test
  void shouldShowTheFirstRecordsOfADatasetWithTheirText() throws IOException {
    TinyWorkflow.write(folder);
    CommandRun.in(folder, "prepare", "spec.yaml").requireDone();
    Object[] command = {"inspect", "out/data/dataset", "--records", 3, "--json"};
    JsonNode shown = CommandRun.in(folder, command).requireDone().json();
    assertEquals(3, shown.get("records").size());
    double fill = shown.get("facts").get("fill").get("train").asDouble();
    assertTrue(fill > 0.5 && fill <= 1, "fill " + fill);
    for (JsonNode record : shown.get("records")) {
      assertEquals("train", record.get("split").asText());
      assertTrue(record.get("text").asText().contains("What is"), record::toString);
      String trained = record.get("trained_text").asText();
      assertTrue(trained.contains("It is number"), trained);
      assertFalse(trained.contains("What is"), trained);
      assertTrue(record.get("loss_tokens").asInt() < record.get("tokens").asInt());
    }
    JsonNode all =
        CommandRun.in(folder, "inspect", "out/data/dataset", "--records", 999, "--json")
            .requireDone()
            .json();
    assertEquals(24, all.get("records").size());
    assertEquals(shown.get("records").get(2), all.get("records").get(2));

    Files.move(folder.resolve("model"), folder.resolve("moved"));
    CommandRun.in(folder, command).requireFailure(ErrorCode.USAGE, "--tokenizer");
    JsonNode again =
        CommandRun.in(
                folder,
                "inspect",
                "out/data/dataset",
                "--records",
                3,
                "--json",
                "--tokenizer",
                "moved")
            .requireDone()
            .json();
    assertEquals(shown.get("records"), again.get("records"));
    CommandRun.in(folder, "inspect", "moved", "--records", 3)
        .requireFailure(ErrorCode.USAGE, "no dataset");
  }

  @Test
  void shouldSayWhenItKnowsNothingOfAPath() throws IOException {
    CommandRun.in(folder, "inspect", "none").requireFailure(ErrorCode.BAD_FILE, "none");
    CommandRun.in(folder, "inspect", ".").requireFailure(ErrorCode.BAD_FILE, "config.json");
    Files.writeString(folder.resolve("a.txt"), "text");
    CommandRun.in(folder, "inspect", "a.txt").requireFailure(ErrorCode.BAD_FILE, "a.txt");
    Files.writeString(folder.resolve("a.safetensors"), "text");
    CommandRun.in(folder, "inspect", "a.safetensors")
        .requireFailure(ErrorCode.BAD_FILE, "a.safetensors");
  }

  private JsonNode inspect(String path, String kind) throws IOException {
    JsonNode found = CommandRun.in(folder, "inspect", path, "--json").requireDone().json();
    assertEquals(kind, found.get("kind").asText());
    assertEquals(folder.resolve(path).toString(), found.get("path").asText());
    return found;
  }
}
