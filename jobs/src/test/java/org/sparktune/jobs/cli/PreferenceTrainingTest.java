package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.pipeline.spec.PreferenceOptions.Loss;
import org.sparktune.tokenizer.train.BpeTrainer;

/** {@code task_type: dpo} from pre-tokenized pairs to an adapter, through the command line. */
@ExtendWith(SharedSpark.class)
class PreferenceTrainingTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path REFERENCE =
      Path.of("../trainer/src/test/resources/reference/hf/llama3-tiny");
  private static final int PAIRS = 8;

  @TempDir private Path folder;

  @BeforeEach
  void writeInputs() throws IOException {
    Path model = Files.createDirectories(folder.resolve("model"));
    for (String name : List.of("config.json", "model.safetensors")) {
      Files.copy(REFERENCE.resolve(name), model.resolve(name));
    }
    List<String> special = IntStream.range(0, 256).mapToObj("<|%d|>"::formatted).toList();
    new BpeTrainer(512, special)
        .count(List.of("text").iterator())
        .write(model.resolve("tokenizer.json"));
    Random random = new Random(4);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      lines.add(
          "{\"prompt_ids\": %s, \"chosen_ids\": %s, \"rejected_ids\": %s, \"margin\": %s}"
              .formatted(ids(random, 6), ids(random, 5), ids(random, 4), 0.1 * i));
    }
    Files.write(folder.resolve("pairs.jsonl"), lines);
  }

  private static String ids(Random random, int count) {
    return Arrays.toString(random.ints(count, 300, 512).toArray());
  }

  @ParameterizedTest
  @EnumSource(value = Loss.class, names = "KTO", mode = EnumSource.Mode.EXCLUDE)
  void shouldLearnToPreferWhatWasChosen(Loss loss) throws IOException {
    List<JsonNode> steps =
        train("--set", "hyperparams.dpo.loss=" + loss.name().toLowerCase(Locale.ROOT));
    JsonNode first = steps.get(0);
    JsonNode last = steps.get(steps.size() - 1);
    if (loss == Loss.SIGMOID) {
      assertEquals(Math.log(2), first.get("loss").asDouble(), 1e-9, "B is 0: policy = reference");
      assertEquals(0, first.get("margin").asDouble());
    }
    assertTrue(last.get("loss").asDouble() < first.get("loss").asDouble(), steps::toString);
    assertTrue(last.get("margin").asDouble() > first.get("margin").asDouble(), steps::toString);
    assertEquals(1, last.get("accuracy").asDouble(), steps::toString);
    assertEquals(
        last.get("margin").asDouble(),
        last.get("reward_chosen").asDouble() - last.get("reward_rejected").asDouble(),
        1e-6);
    assertTrue(Files.exists(folder.resolve("out/liked/adapter/adapter_model.safetensors")));
  }

  @Test
  void shouldGiveTheSameAdapterOnTwoRanks() throws IOException {
    String[] halves = {
      "--set", "hyperparams.batch_size=4", "--set", "hyperparams.gradient_accumulation_steps=2"
    };
    train(halves);
    byte[] alone = Files.readAllBytes(adapter("out"));
    List<String> both = new ArrayList<>(List.of(halves));
    both.addAll(List.of("--set", "executors=2", "--output", "two"));
    train(both.toArray(String[]::new));
    assertArrayEquals(alone, Files.readAllBytes(adapter("two")));
  }

  @Test
  void shouldAskTheReferenceOnceToTheSameLosses() throws IOException {
    List<JsonNode> asked = train("--set", "dataset.validation_fraction=0.25");
    List<JsonNode> stored =
        train(
            "--set",
            "dataset.validation_fraction=0.25",
            "--set",
            "hyperparams.dpo.precompute_reference=true",
            "--output",
            "two");
    assertEquals(asked.size(), stored.size());
    for (int i = 0; i < asked.size(); i++) {
      String loss = asked.get(i).has("loss") ? "loss" : "eval_loss";
      assertEquals(asked.get(i).get(loss).asDouble(), stored.get(i).get(loss).asDouble(), 1e-5);
    }
    // The dataset that was made serves later tasks over the same model, and no others.
    byte[] first = Files.readAllBytes(adapter("two"));
    writeSpec("dpo", "two/liked/reference", "{}");
    CommandRun.in(folder, "train", "spec.yaml", "--output", "three").requireDone();
    assertArrayEquals(first, Files.readAllBytes(adapter("three")));
    Path weights = folder.resolve("model/model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    bytes[bytes.length - 1] ^= 1;
    Files.write(weights, bytes);
    CommandRun.in(folder, "train", "spec.yaml", "--output", "four")
        .requireFailure(ErrorCode.MISMATCH, "are those of the weights sha256:");
    writeSpec("dpo", "two/liked/reference", "{precompute_reference: true}");
    CommandRun.in(folder, "train", "spec.yaml", "--output", "five").requireDone();
    writeSpec("dpo", "two/liked/reference", "{loss: simpo, precompute_reference: true}");
    CommandRun.in(folder, "validate", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "which has no reference");
  }

  @Test
  void shouldLearnFromCompletionsThatAreEachJudged() throws IOException {
    writeJudged();
    String[] judged = {
      "--set", "hyperparams.dpo.loss=kto",
      "--set", "hyperparams.batch_size=4",
      "--set", "hyperparams.gradient_accumulation_steps=2",
      "--set", "dataset.packing=false"
    };
    List<JsonNode> steps = train(judged);
    JsonNode first = steps.get(0);
    JsonNode last = steps.get(steps.size() - 1);
    assertEquals(0.5, first.get("loss").asDouble(), 1e-9, "B is 0: policy = reference");
    assertEquals(0, first.get("kl").asDouble());
    assertEquals(0.5, first.get("desirable").asDouble());
    assertTrue(last.get("loss").asDouble() < 0.45, steps::toString);
    assertTrue(last.get("signed_reward").asDouble() > 0.1, steps::toString);
    assertEquals(1, last.get("accuracy").asDouble(), steps::toString);
    byte[] alone = Files.readAllBytes(adapter("out"));
    List<String> both = new ArrayList<>(List.of(judged));
    both.addAll(List.of("--set", "executors=2", "--output", "two"));
    train(both.toArray(String[]::new));
    assertArrayEquals(alone, Files.readAllBytes(adapter("two")));
  }

  @Test
  void shouldRefuseToJudgePairsAndToPairWhatIsJudged() throws IOException {
    writeSpec("dpo", "{sources: [pairs.jsonl]}", "{loss: kto}");
    CommandRun.in(folder, "train", "spec.yaml")
        .requireFailure(ErrorCode.BAD_DATA, "it is a pair of completions");
    writeJudged();
    writeSpec("dpo", "{sources: [pairs.jsonl]}", "{}");
    CommandRun.in(folder, "train", "spec.yaml")
        .requireFailure(ErrorCode.BAD_DATA, "it is no pair of a chosen and a rejected completion");
    writeSpec("dpo", "{sources: [pairs.jsonl]}", "{loss: kto, margins: true}");
    CommandRun.in(folder, "validate", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "means nothing to the loss 'kto'");
    writeSpec("dpo", "{sources: [pairs.jsonl]}", "{desirable_weight: 2}");
    CommandRun.in(folder, "validate", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "means nothing to the loss 'sigmoid'");
  }

  /** As many good completions as bad ones, each of a prompt of its own. */
  private void writeJudged() throws IOException {
    Random random = new Random(6);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      lines.add(
          "{\"prompt_ids\": %s, \"completion_ids\": %s, \"label\": %s}"
              .formatted(ids(random, 6), ids(random, 5), i % 2 == 0));
    }
    Files.write(folder.resolve("pairs.jsonl"), lines);
  }

  @Test
  void shouldRefuseSupervisedTrainingOnPairs() throws IOException {
    train("--set", "hyperparams.max_steps=1");
    writeSpec("lora_finetune", "out/liked/dataset", "");
    CommandRun run = CommandRun.in(folder, "train", "spec.yaml", "--output", "sft");
    run.requireFailure(ErrorCode.MISMATCH, "is of kind preference where kind sft is needed");
  }

  @Test
  void shouldReportOptionsThatContradictEachOther() throws IOException {
    writeSpec("dpo", "{sources: [pairs.jsonl]}", "{loss: hinge, label_smoothing: 0.7}");
    CommandRun run = CommandRun.in(folder, "validate", "spec.yaml");
    run.requireFailure(ErrorCode.INVALID_SPEC, "would turn the labels round");
  }

  private Path adapter(String output) {
    return folder.resolve(output).resolve("liked/adapter/adapter_model.safetensors");
  }

  private List<JsonNode> train(String... options) throws IOException {
    writeSpec("dpo", "{sources: [pairs.jsonl], sequence_length: 64}", "{}");
    List<Object> words = new ArrayList<>(List.of("train", "spec.yaml"));
    words.addAll(Arrays.asList(options));
    CommandRun.in(folder, words.toArray()).requireDone();
    Path output = folder.resolve(words.contains("two") ? "two" : "out");
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(output.resolve("liked/metrics.jsonl"))) {
      steps.add(JSON.readTree(line));
    }
    return steps;
  }

  private void writeSpec(String type, String dataset, String dpo) throws IOException {
    String group = type.equals("dpo") ? "dpo: " + dpo : "seed: 1";
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: preferences
        output: out
        base_model: model
        tasks:
          - name: liked
            task_type: %s
            dataset: %s
            hyperparams:
              max_steps: 12
              batch_size: 8
              learning_rate: 5.0e-3
              schedule: constant
              warmup_steps: 0
              precision: fp32
              %s
        """
            .formatted(type, dataset, group));
  }
}
