package org.sparktune.jobs.cli;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.tokenizer.train.BpeTrainer;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.RewardFunction;

/** {@code task_type: ppo} from prompts to an adapter, through the command line. */
@ExtendWith(SharedSpark.class)
class PolicyTrainingTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Path REFERENCE =
      Path.of("../trainer/src/test/resources/reference/hf/llama3-tiny");

  @TempDir private Path folder;

  /** Rewards the share of printable ASCII characters that are no letters. */
  public static final class Signs implements RewardFunction {
    @Override
    public double[] score(List<Completion> completions) {
      double[] scores = new double[completions.size()];
      for (int i = 0; i < scores.length; i++) {
        String response = completions.get(i).response();
        long signs = response.chars().filter(c -> c > ' ' && c < 'A').count();
        scores[i] = (double) signs / Math.max(1, response.length());
      }
      return scores;
    }
  }

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
    List<String> texts = new ArrayList<>();
    List<String> tokens = new ArrayList<>();
    Random random = new Random(4);
    for (int i = 0; i < 8; i++) {
      texts.add("{\"prompt\": \"%s\", \"answer\": \"%d\"}".formatted("abcdefgh".charAt(i), i));
      int[] ids = random.ints(5, 300, 512).toArray();
      tokens.add("{\"input_ids\": %s}".formatted(Arrays.toString(ids)));
    }
    Files.write(folder.resolve("texts.jsonl"), texts);
    Files.write(folder.resolve("tokens.jsonl"), tokens);
  }

  @ParameterizedTest
  @CsvSource({"grpo", "rloo", "ppo"})
  void shouldTrainOnWhatItSamples(String algorithm) throws IOException {
    List<JsonNode> steps = train("--set", "hyperparams.ppo.algorithm=" + algorithm);
    assertEquals(4, steps.size());
    for (String figure :
        List.of(
            "score", "kl", "entropy", "clip_fraction", "approx_kl", "response_length", "updates")) {
      assertTrue(steps.get(3).has(figure), steps.get(3)::toString);
    }
    assertEquals(algorithm.equals("ppo"), steps.get(3).has("value_loss"));
    assertEquals(0, steps.get(0).get("kl").asDouble(), 1e-3, "B is 0: policy = reference");
    assertTrue(steps.get(3).get("kl").asDouble() > 0);
    assertTrue(Files.exists(adapter("out")));
    List<String> samples = Files.readAllLines(folder.resolve("out/policy/samples.jsonl"));
    assertTrue(samples.get(0).startsWith("{\"step\":0,"), samples::toString);
    assertTrue(samples.get(1).startsWith("{\"step\":4,"), samples::toString);
  }

  @Test
  void shouldFollowTheCriticSlowly() throws IOException {
    train("--set", "hyperparams.ppo.algorithm=ppo");
    byte[] without = Files.readAllBytes(adapter("out"));
    String[] target = {
      "--set", "hyperparams.ppo.algorithm=ppo", "--set", "hyperparams.ppo.target_critic=true"
    };
    List<String> words = new ArrayList<>(Arrays.asList(target));
    words.addAll(List.of("--output", "two"));
    train(words.toArray(new String[0]));
    assertFalse(Arrays.equals(without, Files.readAllBytes(adapter("two"))));
  }

  @Test
  void shouldSampleBesideTrainingToTheSameBitsWithAnyNumberOfWorkers() throws IOException {
    String[] apart = {
      "--set", "hyperparams.ppo.mode=async", "--set", "hyperparams.gradient_accumulation_steps=2"
    };
    List<JsonNode> steps = train(apart);
    byte[] one = Files.readAllBytes(adapter("out"));
    assertEquals(0, steps.get(0).get("staleness").asInt());
    assertEquals(1, steps.get(3).get("staleness").asInt());
    assertTrue(steps.get(3).get("importance_weight").asDouble() > 0, steps::toString);
    List<String> more = new ArrayList<>(Arrays.asList(apart));
    more.addAll(List.of("--set", "hyperparams.ppo.rollout_workers=2", "--set", "executors=2"));
    more.addAll(List.of("--output", "two"));
    train(more.toArray(new String[0]));
    assertArrayEquals(one, Files.readAllBytes(adapter("two")));
  }

  @Test
  void shouldGiveTheSameAdapterOnTwoRanks() throws IOException {
    train("--set", "hyperparams.gradient_accumulation_steps=2");
    byte[] alone = Files.readAllBytes(adapter("out"));
    train(
        "--set",
        "hyperparams.gradient_accumulation_steps=2",
        "--set",
        "executors=2",
        "--output",
        "two");
    assertArrayEquals(alone, Files.readAllBytes(adapter("two")));
  }

  @ParameterizedTest
  @CsvSource({
    "reward.function=com.example.None, 'is neither built in'",
    "reward.function=java.lang.String, does not implement",
    "reward.options.traget=3, 'has no options, but got [traget]'"
  })
  void shouldSayWhatIsWrongWithTheReward(String setting, String expected) throws IOException {
    writeSpec();
    CommandRun.in(folder, "train", "spec.yaml", "--set", "hyperparams.ppo." + setting)
        .requireFailure(ErrorCode.INVALID_SPEC, expected);
    assertFalse(Files.exists(adapter("out")));
  }

  @ParameterizedTest
  @CsvSource({
    "ppo.max_staleness=2, INVALID_SPEC, where sampling and training take turns",
    "ppo.minibatches=64, INVALID_SPEC, a micro-batch has 16 responses",
    "ppo.value_clip=0.1, INVALID_SPEC, an option of the critic",
    "ppo.target_critic=true, INVALID_SPEC, an option of the critic",
    "ppo.target_tau=0.1, INVALID_SPEC, means nothing without a target critic",
    "ppo.kl_target=3, INVALID_SPEC, means nothing to a fixed coefficient",
    "lora.dropout=0.1, INVALID_SPEC, another than the one that sampled",
    "ppo.group_size=1, INVALID_SPEC, group_size"
  })
  void shouldReportOptionsThatMakeNoSense(String setting, ErrorCode code, String expected)
      throws IOException {
    writeSpec();
    CommandRun.in(folder, "validate", "spec.yaml", "--set", "hyperparams." + setting)
        .requireFailure(code, expected);
  }

  @Test
  void shouldBeRewardedByAModelThatItsOwnWorkflowTrains() throws IOException {
    writeSpec();
    Random random = new Random(5);
    List<String> pairs = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      pairs.add(
          "{\"prompt_ids\": %s, \"chosen_ids\": %s, \"rejected_ids\": %s}"
              .formatted(
                  Arrays.toString(random.ints(4, 300, 512).toArray()),
                  Arrays.toString(random.ints(4, 300, 400).toArray()),
                  Arrays.toString(random.ints(4, 400, 512).toArray())));
    }
    Files.write(folder.resolve("pairs.jsonl"), pairs);
    Path spec = folder.resolve("spec.yaml");
    Files.writeString(
        spec,
        Files.readString(spec)
                .replace("{function: %s}".formatted(Signs.class.getName()), "{model: judge}")
            + """
              - name: judge
                task_type: reward_model
                dataset: {sources: [pairs.jsonl], sequence_length: 32}
                hyperparams: {max_steps: 8, learning_rate: 1.0e-2, precision: fp32}
            """);
    CommandRun.in(folder, "train", "spec.yaml").requireDone();
    List<String> steps = Files.readAllLines(folder.resolve("out/policy/metrics.jsonl"));
    assertEquals(4, steps.size());
    assertTrue(JSON.readTree(steps.get(0)).get("score_std").asDouble() > 0, steps::toString);

    CommandRun.in(folder, "train", "spec.yaml", "--output", "two", "--set", "executors=2")
        .requireDone();
    assertArrayEquals(
        Files.readAllBytes(adapter("out")), Files.readAllBytes(adapter("two")), "the adapter");

    List<String> doubtful =
        List.of(
            "train",
            "spec.yaml",
            "--output",
            "doubt",
            "--set",
            "policy.hyperparams.ppo.reward.uncertainty_penalty=0.5");
    CommandRun.in(folder, doubtful.toArray())
        .requireFailure(ErrorCode.MISMATCH, "has one head and no uncertainty");
    List<String> ensemble = new ArrayList<>(doubtful);
    ensemble.set(3, "several");
    ensemble.addAll(List.of("--set", "judge.hyperparams.reward.ensemble=2"));
    CommandRun.in(folder, ensemble.toArray()).requireDone();
    assertTrue(Files.exists(adapter("several")));

    CommandRun.in(
            folder,
            "train",
            "spec.yaml",
            "--output",
            "other",
            "--set",
            "policy.hyperparams.ppo.reward.model=model")
        .requireFailure(ErrorCode.MISMATCH, "no score head");
    CommandRun.in(
            folder,
            "validate",
            "spec.yaml",
            "--set",
            "policy.hyperparams.ppo.reward.function=length")
        .requireFailure(ErrorCode.INVALID_SPEC, "one source");
  }

  private Path adapter(String output) {
    return folder.resolve(output).resolve("policy/adapter/adapter_model.safetensors");
  }

  private List<JsonNode> train(String... options) throws IOException {
    writeSpec();
    List<Object> words = new ArrayList<>(List.of("train", "spec.yaml"));
    words.addAll(Arrays.asList(options));
    CommandRun.in(folder, words.toArray()).requireDone();
    List<JsonNode> steps = new ArrayList<>();
    Path output = folder.resolve(words.contains("two") ? "two" : "out");
    for (String line : Files.readAllLines(output.resolve("policy/metrics.jsonl"))) {
      steps.add(JSON.readTree(line));
    }
    return steps;
  }

  private void writeSpec() throws IOException {
    Files.writeString(
        folder.resolve("spec.yaml"),
        """
        name: policy
        output: out
        base_model: model
        tasks:
          - name: policy
            task_type: ppo
            dataset: {sources: [texts.jsonl, tokens.jsonl], sequence_length: 32}
            hyperparams:
              max_steps: 4
              batch_size: 4
              learning_rate: 5.0e-3
              schedule: constant
              warmup_steps: 0
              precision: fp32
              sample_every: 100
              sample_prompts: [a]
              ppo:
                algorithm: grpo
                group_size: 4
                max_new_tokens: 6
                reward: {function: %s}
        """
            .formatted(Signs.class.getName()));
  }
}
