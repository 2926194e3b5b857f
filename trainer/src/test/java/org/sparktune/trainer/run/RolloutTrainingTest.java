package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.DeviceEngine;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.objective.ppo.GeneralizedAdvantage;
import org.sparktune.trainer.objective.ppo.KlController;
import org.sparktune.trainer.objective.ppo.KlEstimator;
import org.sparktune.trainer.objective.ppo.PolicyLoss;
import org.sparktune.trainer.objective.ppo.PolicyObjective;
import org.sparktune.trainer.objective.ppo.ValueLoss;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.RolloutOptions.Algorithm;

/**
 * Policies that learn from what they sample, on a tiny random Llama. The task has a known optimum:
 * only tokens of the lower quarter of the vocabulary score.
 */
class RolloutTrainingTest {
  private static final int VOCABULARY = 512;
  private static final int LOW = 128;
  private static final int STOP = 500;
  private static final Configuration CONFIGURATION = new Configuration();

  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writePrompts() throws IOException {
    Random random = new Random(5);
    List<DatasetRow> rows = new ArrayList<>();
    for (int row = 0; row < 16; row++) {
      int length = 2 + random.nextInt(5);
      int[] tokens = random.ints(length, 0, VOCABULARY).toArray();
      rows.add(new DatasetRow(tokens, new byte[length], new int[] {0}, "", row));
    }
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", rows, 8)
        .part("validation", rows.subList(0, 5), 8)
        .finish("prompt", 1);
  }

  /** The share of a response's tokens that are low. */
  private static double share(Completion completion) {
    String[] words = completion.response().split(" ", -1);
    return Arrays.stream(words).mapToInt(Integer::parseInt).filter(id -> id < LOW).count()
        / (double) words.length;
  }

  private static double[] shares(List<Completion> completions) {
    return completions.stream().mapToDouble(RolloutTrainingTest::share).toArray();
  }

  /** What a run left behind. */
  private record Outcome(
      List<StepMetrics> steps, List<EvaluationMetrics> evaluations, float[] parameters) {
    double mean(String figure, int from, int to) {
      return steps.subList(from, to).stream()
          .mapToDouble(step -> step.figures().get(figure))
          .average()
          .orElseThrow();
    }
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void shouldLearnWhatIsRewarded(Algorithm algorithm) {
    Run run = new Run(task, options(algorithm, 4, 1), 20, RolloutTrainingTest::shares);
    Outcome outcome = run.alone();
    double before = outcome.mean("score", 0, 3);
    double after = outcome.mean("score", 17, 20);
    assertTrue(before < 0.35 && after > before + 0.15, "from %s to %s".formatted(before, after));
    EvaluationMetrics first = outcome.evaluations().get(0);
    EvaluationMetrics last = outcome.evaluations().get(1);
    assertTrue(last.figures().get("score") > first.figures().get("score"));
    assertEquals(-last.loss(), last.figures().get("score"));
    assertEquals(5, last.weight());
  }

  @Test
  void shouldStayNearToTheReferenceWhereThatCounts() {
    RolloutOptions loose = options(Algorithm.GRPO, 2, 1);
    RolloutOptions strict = options(Algorithm.GRPO, 2, 1, new KlController.Fixed(1), 1e9);
    Outcome free = new Run(task, loose, 9, RolloutTrainingTest::shares).alone();
    Outcome held = new Run(otherTask, strict, 9, RolloutTrainingTest::shares).alone();
    double far = free.mean("kl", 7, 9);
    double near = held.mean("kl", 7, 9);
    assertTrue(near < 0.75 * far, "%s with the coefficient, %s without".formatted(near, far));
  }

  @Test
  void shouldRaiseTheCoefficientAndEndPassesWhenThePolicyRunsAway() {
    KlController controller = new KlController.Adaptive(0.01, 0.1, 160);
    RolloutOptions options = options(Algorithm.PPO, 4, 2, controller, 1e-9);
    Outcome outcome = new Run(task, options, 3, RolloutTrainingTest::shares).alone();
    SortedMap<String, Double> last = outcome.steps().get(2).figures();
    assertEquals(0.01 * (1 - 0.2 * 32 / 160) * (1 + 0.2 * 32 / 160), last.get("kl_coefficient"));
    assertEquals(2.0, last.get("updates"), "the first has ratios of 1, the second stops");
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void shouldBeginWithRatiosOfExactlyOne(Precision precision) {
    Run run =
        new Run(
            dataset,
            task,
            options(Algorithm.PPO, 1, 1),
            1,
            RolloutTrainingTest::shares,
            () -> CpuEngines.open(precision, 1));
    StepMetrics first = run.alone().steps().get(0);
    assertEquals(0.0, first.figures().get("approx_kl"), "log-ratios are 0 to the last bit");
    assertEquals(0.0, first.figures().get("clip_fraction"));
    assertEquals(0.0, first.figures().get("kl"), 1e-3, "B is 0: policy = reference");
  }

  private static Engine engine() {
    return CpuEngines.open(Precision.F32, 1);
  }

  private static RolloutOptions options(Algorithm algorithm, int epochs, int minibatches) {
    KlController controller = new KlController.Fixed(0.002);
    return options(algorithm, epochs, minibatches, controller, Double.POSITIVE_INFINITY);
  }

  private static RolloutOptions options(
      Algorithm algorithm, int epochs, int minibatches, KlController controller, double stop) {
    return new RolloutOptions(
        algorithm,
        8,
        6,
        0.7,
        epochs,
        minibatches,
        new PolicyLoss(0.2, 0.2),
        0,
        new RolloutOptions.Divergence(KlEstimator.K1, controller, stop),
        0,
        new RolloutOptions.Critic(
            new GeneralizedAdvantage(1, 0.95), new ValueLoss(0.2), 0.1, true));
  }

  /** One run over the prompts. */
  private record Run(
      Path prompts,
      Path folder,
      RolloutOptions options,
      int steps,
      RewardFunction reward,
      Supplier<Engine> engines) {
    Run(Path folder, RolloutOptions options, int steps, RewardFunction reward) {
      this(dataset, folder, options, steps, reward, RolloutTrainingTest::engine);
    }

    Outcome alone() {
      return on(new LocalCollective(), Long.MAX_VALUE);
    }

    Outcome on(Collective collective, long killedAfter) {
      List<StepMetrics> metrics = new ArrayList<>();
      List<EvaluationMetrics> evaluations = new ArrayList<>();
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void stepped(StepMetrics step) {
              metrics.add(step);
            }

            @Override
            public void evaluated(EvaluationMetrics evaluation) {
              evaluations.add(evaluation);
            }
          };
      DecoderConfig config = HuggingFaceConfig.read(model().resolve("config.json"));
      LoraConfig lora = LoraConfig.of(8, 16, new TargetModules.AllLinear());
      PolicyObjective objective =
          options.algorithm().hasCritic()
              ? new PolicyObjective(
                  options.policyLoss(),
                  options.entropyCoefficient(),
                  options.temperature(),
                  options.critic().loss(),
                  options.critic().coefficient())
              : new PolicyObjective(
                  options.policyLoss(), options.entropyCoefficient(), options.temperature());
      try (HuggingFaceFolder weights = HuggingFaceFolder.open(model());
          Engine engine = engines.get();
          Decoder decoder =
              Decoder.load(
                  config,
                  weights,
                  engine,
                  new Tuning.Lora(lora, 3, options.algorithm().hasCritic()));
          DatasetReader train =
              DatasetFolder.open(prompts.toString(), CONFIGURATION)
                  .split("train", VOCABULARY, RowOrder.reshuffled(9));
          DatasetReader validation =
              DatasetFolder.open(dataset.toString(), CONFIGURATION)
                  .split("validation", VOCABULARY, RowOrder.STORED)) {
        DecoderTrainable trainable = new DecoderTrainable(decoder, objective);
        TrainingOptions training =
            new TrainingOptions(
                0,
                steps,
                2,
                2,
                1.0,
                11,
                new LearningRateSchedule(LearningRateSchedule.Kind.CONSTANT, 2e-2, 0, 0, 0),
                AdamWOptions.DEFAULTS,
                new Cadence(1, 0, 0, 2, 2));
        Training.run(
            new TrainingInputs(
                trainable,
                train,
                Optional.of(validation),
                training,
                Map.of(),
                folder,
                CheckpointPlace.in(folder),
                listener,
                () -> metrics.size() >= killedAfter,
                collective,
                new HostResources(1, 1L << 30)),
            new Rollouts(decoder, options, reward, Set.of(STOP), RolloutTrainingTest::words));
        return new Outcome(metrics, evaluations, engine.toArray(trainable.parameters()));
      }
    }
  }

  private static String words(int[] ids) {
    return String.join(" ", Arrays.stream(ids).mapToObj(Integer::toString).toList());
  }

  private static Path model() {
    try {
      return Path.of(RolloutTrainingTest.class.getResource("/reference/hf/llama3-tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void shouldResumeToTheSameBits() throws IOException {
    RolloutOptions options = options(Algorithm.PPO, 2, 3);
    Outcome whole = new Run(task, options, 6, RolloutTrainingTest::shares).alone();
    Run cut = new Run(otherTask, options, 6, RolloutTrainingTest::shares);
    SparktuneException stopped =
        assertThrows(SparktuneException.class, () -> cut.on(new LocalCollective(), 3));
    assertEquals(ErrorCode.INTERRUPTED, stopped.code());
    Outcome resumed = cut.alone();
    assertEquals(4, resumed.steps().get(0).step());
    assertArrayEquals(whole.parameters(), resumed.parameters());
    assertEquals(figures(task), figures(otherTask));
  }

  /** The lines of metrics, without the throughput. */
  private static List<String> figures(Path folder) throws IOException {
    return Files.readAllLines(folder.resolve("metrics.jsonl")).stream()
        .map(line -> line.replaceAll("\"tokens_per_s\":[^,]*,", ""))
        .toList();
  }

  @ParameterizedTest
  @EnumSource(names = {"PPO", "GRPO"})
  void shouldGiveTheSameBitsOnTwoRanks(Algorithm algorithm) {
    RolloutOptions options = options(algorithm, 2, 2);
    Outcome alone = new Run(task, options, 2, RolloutTrainingTest::shares).alone();
    Run shared = new Run(otherTask, options, 2, RolloutTrainingTest::shares);
    List<Outcome> outcomes =
        ReferenceCollective.call(2, collective -> shared.on(collective, Long.MAX_VALUE));
    for (Outcome outcome : outcomes) {
      assertArrayEquals(alone.parameters(), outcome.parameters());
      assertEquals(alone.evaluations(), outcome.evaluations());
      for (int i = 0; i < 2; i++) {
        assertEquals(alone.steps().get(i).figures(), outcome.steps().get(i).figures());
      }
    }
  }

  @Test
  void shouldGiveTheSameBitsWhereTheHostCannotReachTheMemory() {
    RolloutOptions base = options(Algorithm.PPO, 2, 2);
    RolloutOptions all =
        new RolloutOptions(
            Algorithm.PPO,
            2,
            4,
            0.7,
            2,
            2,
            base.policyLoss(),
            0.01,
            base.divergence(),
            0,
            base.critic());
    Outcome host = new Run(task, all, 2, RolloutTrainingTest::shares).alone();
    Outcome device =
        new Run(
                dataset,
                otherTask,
                all,
                2,
                RolloutTrainingTest::shares,
                () -> DeviceEngine.over(engine()))
            .alone();
    assertArrayEquals(host.parameters(), device.parameters());
    assertEquals(host.evaluations(), device.evaluations());
  }

  @Test
  void shouldCountGroupsThatTeachNothing() {
    Run run =
        new Run(
            task, options(Algorithm.GRPO, 1, 1), 2, completions -> new double[completions.size()]);
    StepMetrics first = run.alone().steps().get(0);
    assertEquals(1.0, first.figures().get("zero_variance"));
    assertEquals(0.0, first.figures().get("policy_loss"));
    assertEquals(0.0, first.figures().get("score_std"));
  }

  @Test
  void shouldSayWhatIsWrongWithARewardFunction() {
    Map<String, RewardFunction> broken =
        Map.of(
            "returned 1 scores for 2 completions",
            completions -> new double[1],
            "returned null",
            completions -> null,
            "returned NaN for the response",
            completions -> filled(completions, Double.NaN),
            "failed: no network",
            completions -> {
              throw new IllegalStateException("no network");
            });
    broken.forEach(
        (expected, reward) -> {
          Run run = new Run(task, options(Algorithm.GRPO, 1, 1), 1, reward);
          SparktuneException failure = assertThrows(SparktuneException.class, run::alone);
          assertEquals(ErrorCode.BAD_DATA, failure.code());
          assertTrue(failure.getMessage().contains(expected), failure.getMessage());
        });
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void shouldLearnFromResponsesOfOneToken(Algorithm algorithm) {
    RolloutOptions six = options(algorithm, 2, 2);
    RolloutOptions one =
        new RolloutOptions(
            algorithm, 2, 1, 0.7, 2, 2, six.policyLoss(), 0.01, six.divergence(), 1, six.critic());
    Outcome outcome = new Run(task, one, 2, RolloutTrainingTest::shares).alone();
    SortedMap<String, Double> last = outcome.steps().get(1).figures();
    assertEquals(1.0, last.get("response_length"));
    assertEquals(0.0, last.get("finished"), "nothing but the limit ends them");
    last.forEach((name, value) -> assertTrue(Double.isFinite(value), name));
  }

  @Test
  void shouldPassOverPromptsThatLeaveNoRoom() throws IOException {
    int[] tooLong = new Random(1).ints(512, 0, VOCABULARY).toArray();
    DatasetRow large = new DatasetRow(tooLong, new byte[512], new int[] {0}, "", 0);
    DatasetRow small = new DatasetRow(new int[] {3, 4}, new byte[2], new int[] {0}, "", 0);
    RolloutOptions options = options(Algorithm.GRPO, 1, 2);
    Path mixed = prompts("mixed", large, small, large, large);
    Outcome outcome =
        new Run(mixed, task, options, 1, RolloutTrainingTest::shares, RolloutTrainingTest::engine)
            .alone();
    assertEquals(3.0, outcome.steps().get(0).figures().get("skipped_prompts"));
    Path none = prompts("none", large, large);
    Run failing =
        new Run(
            none, otherTask, options, 1, RolloutTrainingTest::shares, RolloutTrainingTest::engine);
    SparktuneException failure = assertThrows(SparktuneException.class, failing::alone);
    assertEquals(ErrorCode.BAD_DATA, failure.code());
    assertTrue(failure.getMessage().contains("None of the 2 prompts"), failure.getMessage());
  }

  private Path prompts(String name, DatasetRow... rows) throws IOException {
    Path folder = task.resolve(name);
    return new DatasetFixture(folder, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", List.of(rows), 8)
        .finish("prompt", 1);
  }

  private static double[] filled(List<Completion> completions, double score) {
    double[] scores = new double[completions.size()];
    Arrays.fill(scores, score);
    return scores;
  }
}
