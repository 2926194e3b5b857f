package org.sparktune.jobs.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.jobs.cli.CommandRun;
import org.sparktune.jobs.cli.SharedSpark;

/** Ranks that are threads of one Spark in local mode, with four slots. */
@ExtendWith(SharedSpark.class)
@Timeout(300)
class LocalRanksTest {
  @TempDir private static Path folder;
  private static RanksWorkflow workflow;

  @BeforeAll
  static void trainWithOneExecutor() throws IOException {
    workflow = RanksWorkflow.make(folder);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3, 4})
  void shouldTrainTheSameBitsOnAnyNumberOfExecutors(int executors) throws IOException {
    String output = "ranks-" + executors;
    CommandRun run = run(output, executors);

    assertEquals(0, run.status(), run.err());
    workflow.requireSame(output);
    for (int rank = 0; rank < executors; rank++) {
      Path told = workflow.task(output).resolve("ranks/rank-%05d.jsonl".formatted(rank));
      assertEquals(RanksWorkflow.STEPS, Files.readAllLines(told).size(), told.toString());
    }
  }

  @Test
  void shouldRefuseMoreRanksThanSlotsAndSayWhatToDo() {
    CommandRun run = run("many", 5);

    assertEquals(ErrorCode.RESOURCES.exitStatus(), run.status());
    assertTrue(run.err().contains("the master local[4] has 4 slots"), run.err());
    assertTrue(run.err().contains("set 'executors' to 4"), run.err());
  }

  @Test
  void shouldTrainOnFewerExecutorsWhereThatIsAllowed() throws IOException {
    CommandRun run = run("fewer", 9, "--set", "min_executors=2");

    assertEquals(0, run.status(), run.err());
    workflow.requireSame("fewer");
  }

  @Test
  void shouldTellWhatOneRankCannotDo() {
    // A rank alone would say the same; here no other waits for it.
    CommandRun run =
        run(
            "broken",
            3,
            "--set",
            "hyperparams.learning_rate=1e30",
            "--set",
            "hyperparams.max_grad_norm=0");

    assertEquals(ErrorCode.DIVERGED.exitStatus(), run.status(), run.err());
  }

  private static CommandRun run(String output, int executors, String... more) {
    return CommandRun.in(folder, (Object[]) RanksWorkflow.command(output, executors, more));
  }
}
