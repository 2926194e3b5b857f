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
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.jobs.scoring.ScoringModel;
import org.sparktune.jobs.training.DocumentScore;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.tokenizer.train.BpeTrainer;
import org.sparktune.trainer.modelfile.SafetensorsFile;

/** {@code task_type: reward_model} from pre-tokenized pairs to scores, through the command line. */
@ExtendWith(SharedSpark.class)
class RewardTrainingTest {
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

  @Test
  void shouldTrainAnAdapterThatEvaluateScoresWith() throws IOException {
    List<JsonNode> steps = train("out");
    requireLearnt(steps);
    Path adapter = folder.resolve("out/judge/adapter");
    JsonNode config = JSON.readTree(adapter.resolve("adapter_config.json").toFile());
    assertEquals("SEQ_CLS", config.get("task_type").asText());
    assertEquals("[\"score\"]", config.get("modules_to_save").toString());
    try (SafetensorsFile file =
        SafetensorsFile.open(adapter.resolve("adapter_model.safetensors"))) {
      assertTrue(file.has("base_model.model.score.weight"));
    }
    requireScores(evaluate("--model", "model", "--adapter", "out/judge/adapter"));
  }

  @Test
  void shouldTrainAnAttentionHeadToTheSameBitsOnTwoRanks() throws IOException {
    String[] attention = {
      "--set", "hyperparams.reward.head=attention",
      "--set", "hyperparams.batch_size=4",
      "--set", "hyperparams.gradient_accumulation_steps=2"
    };
    requireLearnt(train("out", attention));
    Path adapter = folder.resolve("out/judge/adapter");
    JsonNode config = JSON.readTree(adapter.resolve("adapter_config.json").toFile());
    assertEquals("[\"attention_score\"]", config.get("modules_to_save").toString());
    try (SafetensorsFile file =
        SafetensorsFile.open(adapter.resolve("adapter_model.safetensors"))) {
      String head = "base_model.model.attention_score.";
      assertArrayEquals(new long[] {64, 64}, file.shape(head + "query.weight"));
      assertArrayEquals(new long[] {64}, file.shape(head + "norm.bias"));
    }
    requireScores(evaluate("--model", "model", "--adapter", "out/judge/adapter"));
    List<String> both = new ArrayList<>(List.of(attention));
    both.addAll(List.of("--set", "executors=2"));
    train("two", both.toArray(String[]::new));
    assertArrayEquals(Files.readAllBytes(adapter("out")), Files.readAllBytes(adapter("two")));
    Files.writeString(
        folder.resolve("spec.yaml"), spec("{sources: [pairs.jsonl]}", "{head: attention}"));
    CommandRun.in(folder, "validate", "spec.yaml", "--set", "hyperparams.train=full")
        .requireFailure(ErrorCode.INVALID_SPEC, "are parts of an adapter");
  }

  @ParameterizedTest
  @ValueSource(strings = {"linear", "attention"})
  void shouldSayHowFarHeadsOfAnEnsembleAreApart(String head) throws IOException, RejectException {
    List<JsonNode> steps =
        train(
            "out",
            "--set",
            "hyperparams.reward.head=" + head,
            "--set",
            "hyperparams.reward.ensemble=3");
    JsonNode last = steps.get(steps.size() - 1);
    assertTrue(last.get("loss").asDouble() < 0.4, steps::toString);
    JsonNode evaluation = evaluate("--model", "model", "--adapter", "out/judge/adapter");
    requireScores(evaluation);
    JsonNode pair = evaluation.at("/samples/0");
    assertTrue(pair.get("uncertainty_chosen").asDouble() > 0, pair::toString);
    assertTrue(pair.get("uncertainty_rejected").asDouble() > 0, pair::toString);
    double sum = 0;
    for (JsonNode sample : evaluation.get("samples")) {
      sum += sample.get("uncertainty_chosen").asDouble();
      sum += sample.get("uncertainty_rejected").asDouble();
    }
    assertEquals(sum / (2 * PAIRS), evaluation.get("uncertainty").asDouble(), 1e-6);
    requireUncertaintyOfServing(folder.resolve("out/judge/adapter"));
  }

  private static void requireUncertaintyOfServing(Path adapter) throws RejectException {
    try (ScoringModel served = ScoringModel.open(adapter, ScoringModel.Options.DEFAULT)) {
      int[] ids = served.encode(Map.of("text", "one and one")).ids();
      DocumentScore score = served.scores(List.of(ids)).get(0);
      assertTrue(score.uncertainty() > 0, score::toString);
    }
  }

  @Test
  void shouldTrainAWholeModelAsTransformersNamesIt() throws IOException {
    List<JsonNode> steps = train("out", "--set", "hyperparams.train=full");
    requireLearnt(steps);
    Path model = folder.resolve("out/judge/model");
    JsonNode config = JSON.readTree(model.resolve("config.json").toFile());
    assertEquals("[\"LlamaForSequenceClassification\"]", config.get("architectures").toString());
    assertEquals(1, config.get("id2label").size());
    try (SafetensorsFile file = SafetensorsFile.open(model.resolve("model.safetensors"))) {
      assertArrayEquals(new long[] {1, 64}, file.shape("score.weight"));
      assertTrue(!file.has("lm_head.weight"));
    }
    requireScores(evaluate("--model", "out/judge/model"));
  }

  @Test
  void shouldGiveTheSameBitsOnTwoRanksAndWhenResumed() throws IOException {
    String[] halves = {
      "--set", "hyperparams.batch_size=4", "--set", "hyperparams.gradient_accumulation_steps=2"
    };
    train("out", halves);
    byte[] alone = Files.readAllBytes(adapter("out"));
    List<String> both = new ArrayList<>(List.of(halves));
    both.addAll(List.of("--set", "executors=2"));
    train("two", both.toArray(String[]::new));
    assertArrayEquals(alone, Files.readAllBytes(adapter("two")));
    List<String> again = new ArrayList<>(List.of(halves));
    again.addAll(List.of("--set", "hyperparams.checkpoint_every=5"));
    train("resumed", again.toArray(String[]::new));
    Files.delete(folder.resolve("resumed/judge/_done.json"));
    Path checkpoints = folder.resolve("resumed/judge/checkpoints");
    assertTrue(Files.exists(checkpoints.resolve("step-00000010")), "a checkpoint to go on from");
    for (String name : new TreeSet<>(List.of(checkpoints.toFile().list()))) {
      if (name.compareTo("step-00000010") > 0) {
        deleteFolder(checkpoints.resolve(name));
      }
    }
    Files.delete(adapter("resumed"));
    train("resumed", again.toArray(String[]::new));
    assertArrayEquals(alone, Files.readAllBytes(adapter("resumed")));
  }

  @Test
  void shouldEvaluateInAWorkflow() throws IOException {
    List<String> lines = Files.readAllLines(folder.resolve("pairs.jsonl"));
    Files.write(folder.resolve("few.jsonl"), lines.subList(0, 5));
    Files.write(folder.resolve("more.jsonl"), lines.subList(5, PAIRS));
    Files.writeString(
        folder.resolve("spec.yaml"),
        spec("{sources: [pairs.jsonl], sequence_length: 64}", "{}")
            + """
                - name: check
                  task_type: evaluate
                  adapter: judge
                  dataset: judge/dataset
              """
                .replace("judge/dataset", "{kind: preference, sources: [few.jsonl, more.jsonl]}"));
    CommandRun.in(folder, "run", "spec.yaml").requireDone();
    JsonNode evaluation = JSON.readTree(folder.resolve("out/check/evaluation.json").toFile());
    assertEquals(1, evaluation.at("/pairs/accuracy").asDouble());
    assertEquals(PAIRS, evaluation.at("/pairs/count").asInt());
    assertEquals(PAIRS, evaluation.get("samples").size());
    double calibrated = 0;
    for (JsonNode bin : evaluation.at("/pairs/calibration")) {
      calibrated += bin.get("pairs").asInt();
    }
    assertEquals(PAIRS, calibrated);
    double apart = 0;
    for (JsonNode bin : evaluation.at("/pairs/calibration")) {
      double gap = Math.abs(bin.get("certainty").asDouble() - bin.get("accuracy").asDouble());
      apart += gap * bin.get("pairs").asInt() / PAIRS;
    }
    assertEquals(apart, evaluation.at("/pairs/calibration_error").asDouble(), 1e-12);
    assertTrue(apart > 0 && apart < 0.5, evaluation::toString);
    assertEquals(2, evaluation.at("/pairs/by_source").size(), evaluation::toString);
    for (int i = 0; i < 2; i++) {
      JsonNode source = evaluation.at("/pairs/by_source/" + i);
      assertTrue(source.get("group").asText().endsWith(i == 0 ? "few.jsonl" : "more.jsonl"));
      assertEquals(i == 0 ? 5 : 3, source.get("pairs").asInt());
    }
    String plot = Files.readString(folder.resolve("out/check/evaluation.svg"));
    assertEquals(evaluation.at("/pairs/calibration").size(), plot.split("<circle").length - 1);
    assertTrue(plot.contains("more.jsonl") && plot.endsWith("</svg>\n"), plot);
  }

  @Test
  void shouldLearnGivenScoresOnTopOfAnotherAdapter() throws IOException {
    Random random = new Random(9);
    List<String> lines = new ArrayList<>();
    for (int i = 0; i < PAIRS; i++) {
      lines.add("{\"input_ids\": %s, \"score\": %d}".formatted(ids(random, 9), i % 4));
    }
    Files.write(folder.resolve("scored.jsonl"), lines);
    Files.writeString(
        folder.resolve("spec.yaml"),
        spec("{sources: [scored.jsonl], sequence_length: 64, rewards: {}}", "{loss: regression}")
                .replace("type: reward_model", "type: reward_model\n    init_adapter: writer")
            + """
                - name: writer
                  task_type: lora_finetune
                  dataset: {sources: [scored.jsonl], sequence_length: 64}
                  hyperparams: {max_steps: 1, precision: fp32}
                - name: check
                  task_type: evaluate
                  adapter: judge
                  dataset: {sources: [scored.jsonl], sequence_length: 64, rewards: {}}
              """);
    CommandRun.in(folder, "run", "spec.yaml", "--dry-run").requireDone();
    CommandRun.in(folder, "run", "spec.yaml").requireDone();
    List<String> steps = Files.readAllLines(folder.resolve("out/judge/metrics.jsonl"));
    JsonNode last = JSON.readTree(steps.get(steps.size() - 1));
    assertTrue(
        last.get("loss").asDouble() < JSON.readTree(steps.get(0)).get("loss").asDouble() / 4,
        steps::toString);
    assertEquals(0, last.get("target").asDouble(), 1e-6, "normalized scores have the mean 0");
    JsonNode evaluation = JSON.readTree(folder.resolve("out/check/evaluation.json").toFile());
    assertTrue(evaluation.get("mean_squared_error").asDouble() < 0.3, evaluation::toString);
    assertEquals(PAIRS, evaluation.get("samples").size());
  }

  @Test
  void shouldRefuseToScoreWithoutAHead() throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: scores
        output: out
        base_model: model
        tasks:
          - name: check
            task_type: evaluate
            dataset: {kind: preference, sources: [pairs.jsonl], sequence_length: 64}
        """);
    CommandRun.in(folder, "run", "spec.yaml")
        .requireFailure(ErrorCode.MISMATCH, "has no score head", "reward_model");
  }

  @Test
  void shouldRefuseIdenticalAndEmptyCompletions() throws IOException {
    Files.writeString(
        folder.resolve("pairs.jsonl"),
        """
        {"prompt_ids": [300, 301], "chosen_ids": [302], "rejected_ids": [302]}
        {"prompt_ids": [300, 301], "chosen_ids": [], "rejected_ids": [302]}
        """);
    Files.writeString(folder.resolve("spec.yaml"), spec("{sources: [pairs.jsonl]}", "{}"));
    CommandRun.in(folder, "train", "spec.yaml")
        .requireFailure(ErrorCode.BAD_DATA, "identical_pair", "empty");
  }

  @Test
  void shouldReportOptionsThatContradictEachOther() throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"),
        spec("{sources: [pairs.jsonl]}", "{loss: regression, centring: 0.01}"));
    CommandRun.in(folder, "validate", "spec.yaml")
        .requireFailure(ErrorCode.INVALID_SPEC, "'centring' means nothing");
  }

  private static void requireLearnt(List<JsonNode> steps) {
    JsonNode first = steps.get(0);
    JsonNode last = steps.get(steps.size() - 1);
    assertEquals(Math.log(2), first.get("loss").asDouble(), 1e-9, "the head starts at 0");
    assertTrue(last.get("loss").asDouble() < 0.3, steps::toString);
    assertEquals(1, last.get("accuracy").asDouble(), steps::toString);
    assertEquals(
        last.get("margin").asDouble(),
        last.get("reward_chosen").asDouble() - last.get("reward_rejected").asDouble(),
        1e-6);
  }

  private JsonNode evaluate(String... model) throws IOException {
    List<Object> words = new ArrayList<>(List.of("evaluate", "--data", "pairs.jsonl", "--json"));
    words.addAll(List.of(model));
    return CommandRun.in(folder, words.toArray()).requireDone().json();
  }

  private static void requireScores(JsonNode evaluation) {
    assertEquals(1, evaluation.at("/pairs/accuracy").asDouble());
    assertEquals(2 * PAIRS, evaluation.get("documents").asInt());
    JsonNode pair = evaluation.at("/samples/0");
    assertTrue(pair.get("score_chosen").asDouble() > pair.get("score_rejected").asDouble());
  }

  private static void deleteFolder(Path path) throws IOException {
    try (var files = Files.walk(path)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private Path adapter(String output) {
    return folder.resolve(output).resolve("judge/adapter/adapter_model.safetensors");
  }

  private List<JsonNode> train(String output, String... options) throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"), spec("{sources: [pairs.jsonl], sequence_length: 64}", "{}"));
    List<Object> words = new ArrayList<>(List.of("train", "spec.yaml", "--output", output));
    words.addAll(Arrays.asList(options));
    CommandRun.in(folder, words.toArray()).requireDone();
    List<JsonNode> steps = new ArrayList<>();
    for (String line : Files.readAllLines(folder.resolve(output).resolve("judge/metrics.jsonl"))) {
      steps.add(JSON.readTree(line));
    }
    return steps;
  }

  private static String spec(String dataset, String reward) {
    return """
        name: rewards
        output: out
        base_model: model
        tasks:
          - name: judge
            task_type: reward_model
            dataset: %s
            hyperparams:
              max_steps: 14
              batch_size: 8
              learning_rate: 1.0e-2
              schedule: constant
              warmup_steps: 0
              precision: fp32
              reward: %s
        """
        .formatted(dataset, reward);
  }
}
