package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.SortedMap;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.engine.DeviceEngine;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.objective.ppo.KlController;
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

  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writePrompts() throws IOException {
    RolloutRun.writePrompts(dataset);
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void shouldLearnWhatIsRewarded(Algorithm algorithm) {
    RolloutRun run = run(task, RolloutRun.options(algorithm, 4, 1), 20, RolloutRun::shares);
    RolloutRun.Outcome outcome = run.alone();
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
    RolloutOptions loose = RolloutRun.options(Algorithm.GRPO, 2, 1);
    RolloutOptions strict =
        RolloutRun.options(Algorithm.GRPO, 2, 1, new KlController.Fixed(1), 1e9);
    RolloutRun.Outcome free = run(task, loose, 9, RolloutRun::shares).alone();
    RolloutRun.Outcome held = run(otherTask, strict, 9, RolloutRun::shares).alone();
    double far = free.mean("kl", 7, 9);
    double near = held.mean("kl", 7, 9);
    assertTrue(near < 0.75 * far, "%s with the coefficient, %s without".formatted(near, far));
  }

  @Test
  void shouldRaiseTheCoefficientAndEndPassesWhenThePolicyRunsAway() {
    KlController controller = new KlController.Adaptive(0.01, 0.1, 160);
    RolloutOptions options = RolloutRun.options(Algorithm.PPO, 4, 2, controller, 1e-9);
    RolloutRun.Outcome outcome = run(task, options, 3, RolloutRun::shares).alone();
    SortedMap<String, Double> last = outcome.steps().get(2).figures();
    assertEquals(0.01 * (1 - 0.2 * 32 / 160) * (1 + 0.2 * 32 / 160), last.get("kl_coefficient"));
    assertEquals(2.0, last.get("updates"), "the first has ratios of 1, the second stops");
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void shouldBeginWithRatiosOfExactlyOne(Precision precision) {
    RolloutRun run =
        run(
            dataset,
            task,
            RolloutRun.options(Algorithm.PPO, 1, 1),
            1,
            RolloutRun::shares,
            () -> CpuEngines.open(precision, 1));
    StepMetrics first = run.alone().steps().get(0);
    assertEquals(0.0, first.figures().get("approx_kl"), "log-ratios are 0 to the last bit");
    assertEquals(0.0, first.figures().get("clip_fraction"));
    assertEquals(0.0, first.figures().get("kl"), 1e-3, "B is 0: policy = reference");
  }

  private RolloutRun run(Path folder, RolloutOptions options, int steps, RewardFunction reward) {
    return run(dataset, folder, options, steps, reward, RolloutRun::engine);
  }

  private static RolloutRun run(
      Path prompts,
      Path folder,
      RolloutOptions options,
      int steps,
      RewardFunction reward,
      Supplier<Engine> engines) {
    return new RolloutRun(
        prompts, dataset, folder, options, steps, reward, engines, RolloutRun.Beside.NOBODY);
  }

  @Test
  void shouldResumeToTheSameBits() throws IOException {
    RolloutOptions options = RolloutRun.options(Algorithm.PPO, 2, 3);
    RolloutRun.Outcome whole = run(task, options, 6, RolloutRun::shares).alone();
    RolloutRun cut = run(otherTask, options, 6, RolloutRun::shares);
    SparktuneException stopped =
        assertThrows(SparktuneException.class, () -> cut.on(new LocalCollective(), 3));
    assertEquals(ErrorCode.INTERRUPTED, stopped.code());
    RolloutRun.Outcome resumed = cut.alone();
    assertEquals(4, resumed.steps().get(0).step());
    assertArrayEquals(whole.parameters(), resumed.parameters());
    assertEquals(RolloutRun.figures(task), RolloutRun.figures(otherTask));
  }

  @ParameterizedTest
  @EnumSource(names = {"PPO", "GRPO"})
  void shouldGiveTheSameBitsOnTwoRanks(Algorithm algorithm) {
    RolloutOptions options = RolloutRun.options(algorithm, 2, 2);
    RolloutRun.Outcome alone = run(task, options, 2, RolloutRun::shares).alone();
    RolloutRun shared = run(otherTask, options, 2, RolloutRun::shares);
    List<RolloutRun.Outcome> outcomes =
        ReferenceCollective.call(2, collective -> shared.on(collective, Long.MAX_VALUE));
    for (RolloutRun.Outcome outcome : outcomes) {
      assertArrayEquals(alone.parameters(), outcome.parameters());
      assertEquals(alone.evaluations(), outcome.evaluations());
      for (int i = 0; i < 2; i++) {
        assertEquals(alone.steps().get(i).figures(), outcome.steps().get(i).figures());
      }
    }
  }

  @Test
  void shouldGiveTheSameBitsWhereTheHostCannotReachTheMemory() {
    RolloutOptions base = RolloutRun.options(Algorithm.PPO, 2, 2);
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
    RolloutRun.Outcome host = run(task, all, 2, RolloutRun::shares).alone();
    RolloutRun.Outcome device =
        run(
                dataset,
                otherTask,
                all,
                2,
                RolloutRun::shares,
                () -> DeviceEngine.over(RolloutRun.engine()))
            .alone();
    assertArrayEquals(host.parameters(), device.parameters());
    assertEquals(host.evaluations(), device.evaluations());
  }

  @Test
  void shouldCountGroupsThatTeachNothing() {
    RolloutRun run =
        run(
            task,
            RolloutRun.options(Algorithm.GRPO, 1, 1),
            2,
            completions -> new double[completions.size()]);
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
          RolloutRun run = run(task, RolloutRun.options(Algorithm.GRPO, 1, 1), 1, reward);
          SparktuneException failure = assertThrows(SparktuneException.class, run::alone);
          assertEquals(ErrorCode.BAD_DATA, failure.code());
          assertTrue(failure.getMessage().contains(expected), failure.getMessage());
        });
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void shouldLearnFromResponsesOfOneToken(Algorithm algorithm) {
    RolloutOptions six = RolloutRun.options(algorithm, 2, 2);
    RolloutOptions one =
        new RolloutOptions(
            algorithm, 2, 1, 0.7, 2, 2, six.policyLoss(), 0.01, six.divergence(), 1, six.critic());
    RolloutRun.Outcome outcome = run(task, one, 2, RolloutRun::shares).alone();
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
    RolloutOptions options = RolloutRun.options(Algorithm.GRPO, 1, 2);
    Path mixed = prompts("mixed", large, small, large, large);
    RolloutRun.Outcome outcome =
        run(mixed, task, options, 1, RolloutRun::shares, RolloutRun::engine).alone();
    assertEquals(3.0, outcome.steps().get(0).figures().get("skipped_prompts"));
    Path none = prompts("none", large, large);
    RolloutRun failing = run(none, otherTask, options, 1, RolloutRun::shares, RolloutRun::engine);
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
