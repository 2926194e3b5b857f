package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Supplier;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.engine.DeviceEngine;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.RolloutOptions.Algorithm;

/** PPO whose advantages and returns are made with a slowly moving critic. */
class TargetCriticTest {
  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writePrompts() throws IOException {
    RolloutRun.writePrompts(dataset);
  }

  private static RolloutRun run(Path folder, RolloutOptions options, int steps) {
    return run(folder, options, steps, RolloutRun::engine);
  }

  private static RolloutRun run(
      Path folder, RolloutOptions options, int steps, Supplier<Engine> engines) {
    return new RolloutRun(
        dataset,
        dataset,
        folder,
        options,
        steps,
        RolloutRun::shares,
        engines,
        RolloutRun.Beside.NOBODY);
  }

  @Test
  void shouldBeTheCriticInTrainingWhereItFollowsAtOnce() {
    RolloutOptions without = RolloutRun.options(Algorithm.PPO, 2, 2);
    float[] expected = run(task, without, 3).alone().parameters();
    float[] atOnce = run(otherTask, RolloutRun.withTargetCritic(1), 3).alone().parameters();
    assertArrayEquals(expected, atOnce);
  }

  @Test
  void shouldMakeADifferenceFromTheSecondStepOn() throws IOException {
    run(task, RolloutRun.options(Algorithm.PPO, 2, 2), 2).alone();
    run(otherTask, RolloutRun.withTargetCritic(0.01), 2).alone();
    List<String> without = steps(task);
    List<String> with = steps(otherTask);
    assertEquals(without.get(0), with.get(0), "it begins as the critic");
    assertFalse(without.get(1).equals(with.get(1)));
  }

  @Test
  void shouldResumeToTheSameBitsOnTwoRanks() throws IOException {
    RolloutOptions options = RolloutRun.withTargetCritic(0.05);
    RolloutRun.Outcome whole = run(task, options, 4).alone();
    RolloutRun cut = run(otherTask, options, 4);
    SparktuneException stopped =
        assertThrows(SparktuneException.class, () -> cut.on(new LocalCollective(), 3));
    assertEquals(ErrorCode.INTERRUPTED, stopped.code());
    List<RolloutRun.Outcome> resumed =
        ReferenceCollective.call(2, collective -> cut.on(collective, Long.MAX_VALUE));
    for (RolloutRun.Outcome outcome : resumed) {
      assertArrayEquals(whole.parameters(), outcome.parameters());
    }
    assertEquals(RolloutRun.figures(task), RolloutRun.figures(otherTask));
  }

  @Test
  void shouldGiveTheSameBitsWhereTheHostCannotReachTheMemory() {
    RolloutOptions options = RolloutRun.withTargetCritic(0.05);
    float[] host = run(task, options, 2).alone().parameters();
    float[] device =
        run(otherTask, options, 2, () -> DeviceEngine.over(RolloutRun.engine()))
            .alone()
            .parameters();
    assertArrayEquals(host, device);
  }

  private static List<String> steps(Path folder) throws IOException {
    return RolloutRun.figures(folder).stream()
        .filter(line -> line.contains("value_loss"))
        .map(line -> line.replaceAll("\"time\":[^,]*,", ""))
        .toList();
  }
}
