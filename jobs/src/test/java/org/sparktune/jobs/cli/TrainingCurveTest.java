package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.tokenizer.train.BpeTrainer;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.SafetensorsFile;

/**
 * Five AdamW steps through the command line against those of transformers and PEFT, from the
 * reference's adapter and its three rows of pre-tokenized samples.
 */
@ExtendWith(SharedSpark.class)
class TrainingCurveTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path REFERENCE =
      Path.of("../trainer/src/test/resources/reference/hf/llama3-tiny");
  private static final int STEPS = 5;

  @TempDir private Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(REFERENCE.resolve(name), model.resolve(name));
    }
    // The reference has no tokenizer; its samples are ids already. One of as many entries does.
    List<String> special = IntStream.range(0, 256).mapToObj("<|%d|>"::formatted).toList();
    new BpeTrainer(512, special)
        .count(List.of("text").iterator())
        .write(model.resolve("tokenizer.json"));
    writeRows(folder.resolve("rows.jsonl"));
  }

  @Test
  void shouldTrainLoraAsPeftDoes() throws IOException {
    requireCurve(
        train(
            "lora_finetune",
            "    init_adapter: %s\n".formatted(REFERENCE.resolve("lora").toAbsolutePath()),
            1e-2),
        "lora_steps.safetensors");
  }

  @Test
  void shouldTrainAllParametersAsTransformersDoes() throws IOException {
    requireCurve(train("full_ft", "", 1e-3), "full_steps.safetensors");
  }

  @Test
  void shouldAccumulateMicroBatchesIntoTheSameSteps() throws IOException {
    List<JsonNode> whole = train("full_ft", "", 1e-3);
    List<JsonNode> parts =
        train(
            "full_ft",
            "",
            1e-3,
            "--set",
            "hyperparams.batch_size=1",
            "--set",
            "hyperparams.gradient_accumulation_steps=3",
            "--output",
            "parts");
    for (int i = 0; i < STEPS; i++) {
      for (String key : List.of("loss", "grad_norm")) {
        double expected = whole.get(i).get(key).asDouble();
        assertEquals(expected, parts.get(i).get(key).asDouble(), 1e-5 * expected, key + " " + i);
      }
      assertEquals(whole.get(i).get("tokens"), parts.get(i).get("tokens"));
    }
  }

  private List<JsonNode> train(String type, String extra, double rate, String... options)
      throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: curve
        output: out
        base_model: model
        tasks:
          - name: curve
            task_type: %s
        %s    dataset: {sources: [rows.jsonl], sequence_length: 24, packing: false, shuffle: false}
            hyperparams:
              max_steps: %d
              batch_size: 3
              learning_rate: %s
              weight_decay: 0.01
              schedule: constant
              warmup_steps: 0
              max_grad_norm: 1.0
              precision: fp32
        """
            .formatted(type, extra, STEPS, rate));
    List<Object> words = new ArrayList<>(List.of("train", "spec.yaml"));
    words.addAll(Arrays.asList(options));
    CommandRun.in(folder, words.toArray()).requireDone();
    Path output = folder.resolve(words.contains("parts") ? "parts" : "out");
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("curve/metrics.jsonl"))) {
      steps.add(JSON.readTree(line));
    }
    return steps;
  }

  /** The reference's rows without their padding. */
  private static void writeRows(Path file) throws IOException {
    StringBuilder lines = new StringBuilder();
    try (SafetensorsFile reference =
        SafetensorsFile.open(REFERENCE.resolve("reference.safetensors"))) {
      long[] ids = reference.readIntegers("input_ids");
      long[] labels = reference.readIntegers("labels");
      long[] mask = reference.readIntegers("attention_mask");
      int columns = (int) reference.shape("input_ids")[1];
      for (int start = 0; start < ids.length; start += columns) {
        int end = start;
        while (end < start + columns && mask[end] == 1) {
          end++;
        }
        lines.append(
            "{\"input_ids\": %s, \"labels\": %s}%n"
                .formatted(
                    Arrays.toString(Arrays.copyOfRange(ids, start, end)),
                    Arrays.toString(Arrays.copyOfRange(labels, start, end))));
      }
    }
    Files.writeString(file, lines);
  }

  private static void requireCurve(List<JsonNode> steps, String reference) {
    try (SafetensorsFile expected = SafetensorsFile.open(REFERENCE.resolve(reference));
        Arena arena = new Arena("the expected curve")) {
      Tensor losses = arena.allocate(DType.F32, STEPS);
      Tensor norms = arena.allocate(DType.F32, STEPS);
      expected.read("losses", losses);
      expected.read("grad_norms", norms);
      assertEquals(STEPS, steps.size());
      for (int i = 0; i < STEPS; i++) {
        float loss = losses.getFloat(i);
        float norm = norms.getFloat(i);
        assertEquals(loss, steps.get(i).get("loss").asDouble(), 1e-4 * loss, "loss " + i);
        assertEquals(norm, steps.get(i).get("grad_norm").asDouble(), 1e-4 * norm, "norm " + i);
      }
    }
  }
}
