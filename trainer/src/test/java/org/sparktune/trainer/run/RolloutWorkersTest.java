package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.RolloutOptions.Algorithm;

/** Policies whose copies sample while they learn. */
class RolloutWorkersTest {
  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writePrompts() throws IOException {
    RolloutRun.writePrompts(dataset);
  }

  private static RolloutRun run(
      Path folder, RolloutOptions options, int steps, RolloutRun.Beside beside) {
    return run(folder, options, steps, RolloutRun::shares, beside, made -> {});
  }

  private static RolloutRun run(
      Path folder,
      RolloutOptions options,
      int steps,
      RewardFunction reward,
      RolloutRun.Beside beside,
      IntConsumer afterStep) {
    return new RolloutRun(
        dataset, dataset, folder, options, steps, reward, RolloutRun::engine, beside, afterStep);
  }

  @ParameterizedTest
  @EnumSource(Algorithm.class)
  void shouldLearnWhatIsRewarded(Algorithm algorithm) {
    RolloutOptions options = RolloutRun.options(algorithm, 4, 1);
    RolloutRun.Outcome outcome = run(task, options, 20, new RolloutRun.Beside(1, 1, 16)).alone();
    double before = outcome.mean("score", 0, 3);
    double after = outcome.mean("score", 17, 20);
    assertTrue(before < 0.35 && after > before + 0.15, "from %s to %s".formatted(before, after));
    double weight = outcome.mean("importance_weight", 1, 20);
    assertTrue(weight > 0.5 && weight <= 2, "a mean weight of " + weight);
  }

  @ParameterizedTest
  @CsvSource({"2, 16", "3, 1"})
  void shouldGiveTheSameBitsWithAnyNumberOfWorkersAndRanks(int workers, int queue) {
    RolloutOptions options = RolloutRun.options(Algorithm.PPO, 2, 2);
    RolloutRun.Outcome one = run(task, options, 4, new RolloutRun.Beside(1, 2, 16)).alone();
    RolloutRun several = run(otherTask, options, 4, new RolloutRun.Beside(workers, 2, queue));
    List<RolloutRun.Outcome> outcomes =
        ReferenceCollective.call(2, collective -> several.on(collective, Long.MAX_VALUE));
    for (RolloutRun.Outcome outcome : outcomes) {
      assertArrayEquals(one.parameters(), outcome.parameters());
      for (int i = 0; i < 4; i++) {
        assertEquals(one.steps().get(i).figures(), outcome.steps().get(i).figures());
      }
    }
  }

  @Test
  void shouldNeverLearnFromParametersOlderThanTheBound() {
    RolloutOptions options = RolloutRun.options(Algorithm.GRPO, 1, 1);
    RolloutRun.Outcome outcome = run(task, options, 6, new RolloutRun.Beside(2, 3, 16)).alone();
    double[] staleness =
        outcome.steps().stream().mapToDouble(step -> step.figures().get("staleness")).toArray();
    assertArrayEquals(new double[] {0, 1, 2, 3, 3, 3}, staleness);
    assertEquals(1, outcome.steps().get(0).figures().get("importance_weight"), 1e-4);
  }

  /** The first step's end waits for answers to the second step's prompts. */
  @Test
  void shouldSampleWhileItLearns() {
    // The evaluation before the first step has 3 micro-batches, each step has 2.
    CountDownLatch secondStep = new CountDownLatch(3 + 2 + 2);
    AtomicInteger seen = new AtomicInteger();
    RewardFunction reward =
        completions -> {
          secondStep.countDown();
          return RolloutRun.shares(completions);
        };
    IntConsumer afterStep =
        made -> {
          if (made == 1) {
            try {
              seen.set(secondStep.await(5, TimeUnit.MINUTES) ? 1 : -1);
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          }
        };
    RolloutOptions options = RolloutRun.options(Algorithm.RLOO, 1, 1);
    run(task, options, 2, reward, new RolloutRun.Beside(1, 1, 16), afterStep).alone();
    assertEquals(1, seen.get());
  }

  @Test
  void shouldGoOnFromACheckpointWithFreshRollouts() throws IOException {
    RolloutOptions options = RolloutRun.options(Algorithm.PPO, 2, 1);
    RolloutRun cut = run(task, options, 6, new RolloutRun.Beside(1, 1, 16));
    SparktuneException stopped =
        assertThrows(SparktuneException.class, () -> cut.on(new LocalCollective(), 3));
    assertEquals(ErrorCode.INTERRUPTED, stopped.code());
    RolloutRun.Outcome resumed = cut.alone();
    assertEquals(4, resumed.steps().get(0).step());
    assertEquals(0.0, resumed.steps().get(0).figures().get("staleness"));
    assertEquals(1.0, resumed.steps().get(1).figures().get("staleness"));
    RolloutRun.Outcome whole = run(otherTask, options, 6, new RolloutRun.Beside(1, 1, 16)).alone();
    assertEquals(
        RolloutRun.figures(otherTask).subList(0, 3), RolloutRun.figures(task).subList(0, 3));
    assertEquals(whole.steps().get(5).step(), resumed.steps().get(2).step());
  }

  @Test
  void shouldEndWhereAWorkersRewardFails() {
    AtomicInteger calls = new AtomicInteger();
    RewardFunction reward =
        completions -> {
          if (calls.incrementAndGet() > 3) {
            throw new IllegalStateException("no network");
          }
          return RolloutRun.shares(completions);
        };
    RolloutOptions options = RolloutRun.options(Algorithm.GRPO, 1, 1);
    RolloutRun failing = run(task, options, 4, reward, new RolloutRun.Beside(2, 1, 16), made -> {});
    SparktuneException failure = assertThrows(SparktuneException.class, failing::alone);
    assertEquals(ErrorCode.BAD_DATA, failure.code());
    assertTrue(failure.getMessage().contains("failed: no network"), failure.getMessage());
    assertFalse(
        Thread.getAllStackTraces().keySet().stream()
            .anyMatch(thread -> thread.getName().startsWith("rollout-")),
        "workers have ended");
  }
}
