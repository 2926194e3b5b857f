package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;

/** Adapters trained on bases in few bits, through the command line. */
@ExtendWith(SharedSpark.class)
class QloraTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final String ADAPTER = "assistant/adapter/adapter_model.safetensors";

  @TempDir private static Path folder;

  @BeforeAll
  static void prepare() throws IOException {
    TinyWorkflow.write(folder);
    assertEquals(0, CommandRun.in(folder, "prepare", "spec.yaml", "--output", "data").status());
  }

  @ParameterizedTest
  @ValueSource(strings = {"auto", "nf4", "nf4_double", "fp8"})
  void shouldTrainOnNf4MadeOfFullWeights(String quantization) throws IOException {
    CommandRun full = train("full-" + quantization, "lora_finetune", "model");
    assertEquals(0, full.status(), full.err());
    CommandRun run =
        train(quantization, "qlora", "model", "--set", "hyperparams.quantization=" + quantization);
    assertEquals(0, run.status(), run.err());
    List<Double> losses = losses(quantization);
    List<Double> ofFull = losses("full-" + quantization);
    assertNotEquals(ofFull, losses);
    for (int i = 0; i < losses.size(); i++) {
      assertEquals(ofFull.get(i), losses.get(i), 0.1 * ofFull.get(i), "step " + i);
    }
    assertTrue(losses.get(losses.size() - 1) < losses.get(0), losses::toString);
  }

  @Test
  void shouldTrainOnTheBlocksOfAFileToTheSameBitsOnTwoExecutors() throws IOException {
    CommandRun export =
        CommandRun.in(
            folder,
            "export",
            "--model",
            "model",
            "--format",
            "gguf",
            "--type",
            "Q8_0",
            "--output",
            "q8.gguf");
    assertEquals(0, export.status(), export.err());
    CommandRun one = train("one", "qlora", "q8.gguf");
    assertEquals(0, one.status(), one.err());
    CommandRun two = train("two", "qlora", "q8.gguf", "--set", "executors=2");
    assertEquals(0, two.status(), two.err());
    assertEquals(losses("one"), losses("two"));
    assertArrayEquals(
        Files.readAllBytes(folder.resolve("one").resolve(ADAPTER)),
        Files.readAllBytes(folder.resolve("two").resolve(ADAPTER)));
  }

  /** What training computes with is what an evaluation in few bits computes with. */
  @Test
  void shouldEvaluateOnTheBaseThatTheAdapterWasTrainedOn() throws IOException {
    CommandRun run =
        CommandRun.in(
            folder, "run", "spec.yaml", "--output", "scored", "--set", "assistant.task_type=qlora");
    assertEquals(0, run.status(), run.err());
    List<String> metrics = Files.readAllLines(folder.resolve("scored/assistant/metrics.jsonl"));
    double trained = 0;
    for (String line : metrics) {
      JsonNode node = JSON.readTree(line);
      trained = node.has("eval_loss") ? node.get("eval_loss").asDouble() : trained;
    }
    JsonNode scored = JSON.readTree(folder.resolve("scored/score/evaluation.json").toFile());
    assertEquals(trained, scored.get("loss").asDouble(), 1e-6);
    assertTrue(trained > 0);
  }

  @Test
  void shouldRefuseBlocksThatTheBaseDoesNotHave() {
    CommandRun run = train("none", "qlora", "model", "--set", "hyperparams.quantization=stored");
    assertEquals(ErrorCode.MISMATCH.exitStatus(), run.status());
    assertTrue(run.err().contains("keeps its weights in full"), run.err());
    assertFalse(Files.exists(folder.resolve("none").resolve(ADAPTER)));
  }

  private static CommandRun train(String output, String type, String base, String... more) {
    List<Object> words =
        new ArrayList<>(
            List.of(
                "train",
                "spec.yaml",
                "--output",
                output,
                "--set",
                "assistant.task_type=" + type,
                "--set",
                "assistant.dataset=data/data/dataset",
                "--set",
                "base_model=" + base));
    words.addAll(List.of(more));
    return CommandRun.in(folder, words.toArray());
  }

  private static List<Double> losses(String output) throws IOException {
    List<Double> losses = new ArrayList<>();
    for (String line :
        Files.readAllLines(folder.resolve(output).resolve("assistant/metrics.jsonl"))) {
      JsonNode node = JSON.readTree(line);
      if (node.has("loss")) {
        losses.add(node.get("loss").asDouble());
      }
    }
    return losses;
  }
}
