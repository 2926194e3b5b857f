package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.learning.config.Nadam;
import org.nd4j.linalg.schedule.ScheduleType;
import org.nd4j.linalg.schedule.StepSchedule;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.optim.OptimizerOptions;
import org.sparktune.trainer.optim.UpdaterOptions;

/** What ranks do together when a run doesn't just go on to its end. */
class RanksAgreementTest {
  private static final int VOCABULARY = 60;
  private static final long STEPS = 12;
  private static final OptimizerOptions ADAMW = new AdamWOptions(0.9, 0.99, 1e-8, 0.05);

  @TempDir private static Path dataset;
  @TempDir private Path folder;

  @BeforeAll
  static void writeDataset() throws IOException {
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", DatasetFixture.randomRows(3, 23, VOCABULARY), 6)
        .part("train", DatasetFixture.randomRows(5, 8, VOCABULARY), 3)
        .part("validation", DatasetFixture.randomRows(4, 11, VOCABULARY), 4)
        .finish();
  }

  /** What a rank is told to do, by its collective. */
  static class Script {
    boolean stop(Collective rank) {
      return false;
    }

    void stepped(Collective rank, long step) {}

    int poisonedCall(Collective rank) {
      return -1;
    }

    OptimizerOptions optimizer() {
      return ADAMW;
    }

    LearningRateSchedule schedule() {
      return new LearningRateSchedule(LearningRateSchedule.Kind.COSINE, 0.1, 0.2, 0, 0.1);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,4", "4,1", "2,3", "3,2", "4,2"})
  void shouldGoOnWithAnyNumberOfRanksAfterOneIsAskedToStop(int before, int after)
      throws IOException {
    float[] whole = values(train(1, folder.resolve("whole"), new Script())).get(0);
    Path task = folder.resolve("cut");
    AtomicInteger asked = new AtomicInteger();
    Script stopping =
        new Script() {
          @Override
          boolean stop(Collective rank) {
            return rank.rank() == rank.ranks() - 1 && asked.getAndIncrement() == 5;
          }
        };
    for (ReferenceCollective.Ending<float[]> ending : train(before, task, stopping)) {
      SparktuneException e = (SparktuneException) ending.failure();
      assertEquals(ErrorCode.INTERRUPTED, e.code());
      assertEquals("Training was stopped after step 5 of 12.", e.getMessage());
    }
    for (float[] resumed : values(train(after, task, new Script()))) {
      assertArrayEquals(whole, resumed);
    }
    assertEquals(metrics(folder.resolve("whole")), metrics(task));
  }

  @ParameterizedTest
  @CsvSource({"1", "2", "3", "4"})
  void shouldFailAlikeOnAllRanksAndTouchNothing(int ranks) {
    // The fifth micro-batch of the third step: leaf 1 of 4 with one rank, of another rank else.
    Script poisoned =
        new Script() {
          @Override
          int poisonedCall(Collective rank) {
            int perStep = Shard.ownLeaves(rank.rank(), rank.ranks(), 4);
            int first = 0;
            for (int other = 0; other < rank.rank(); other++) {
              first += Shard.ownLeaves(other, rank.ranks(), 4);
            }
            boolean own = first <= 1 && 1 < first + perStep;
            return own ? 2 * perStep + 1 - first : -1;
          }
        };
    List<String> messages = new ArrayList<>();
    for (ReferenceCollective.Ending<float[]> ending :
        train(ranks, folder.resolve("ranks"), poisoned)) {
      SparktuneException e = (SparktuneException) ending.failure();
      assertEquals(ErrorCode.DIVERGED, e.code());
      messages.add(e.getMessage());
    }
    for (String message : messages) {
      assertEquals(
          "Step 3 of 12: the loss is NaN in train/part-00000.parquet rows 18, 19.", message);
    }
  }

  @Test
  void shouldTellTheOthersWhenOneFailsAlone() {
    Script failing =
        new Script() {
          @Override
          void stepped(Collective rank, long step) {
            if (rank.rank() == 1 && step == 4) {
              throw new SparktuneException(ErrorCode.OUTPUT, "the disk burns", "");
            }
          }
        };
    List<ReferenceCollective.Ending<float[]>> endings = train(3, folder.resolve("ranks"), failing);
    assertEquals("the disk burns", endings.get(1).failure().getMessage());
    for (int rank : new int[] {0, 2}) {
      SparktuneException e = (SparktuneException) endings.get(rank).failure();
      assertEquals(ErrorCode.PEER_LOST, e.code());
      assertEquals("Rank 1 gave up: the disk burns", e.getMessage());
    }
  }

  @Test
  void shouldChangeSettingsAtTheSameStepOnAllRanks() throws IOException {
    Path task = folder.resolve("ranks");
    Script writing =
        new Script() {
          @Override
          void stepped(Collective rank, long step) {
            if (rank.rank() == 0 && step == 4) {
              write(task.resolve("control.json"), "{\"learning_rate\": 0.5, \"log_every\": 4}");
            }
          }
        };
    List<float[]> parameters = values(train(3, task, writing));
    assertArrayEquals(parameters.get(0), parameters.get(1));
    assertArrayEquals(parameters.get(0), parameters.get(2));
    List<Long> logged = new ArrayList<>();
    for (JsonNode line : lines(task.resolve("metrics.jsonl"))) {
      if (line.has("loss")) {
        logged.add(line.get("step").asLong());
      }
    }
    assertEquals(List.of(1L, 2L, 3L, 4L, 8L, 12L), logged);
    JsonNode last =
        lines(task.resolve("metrics.jsonl")).get(lines(task.resolve("metrics.jsonl")).size() - 2);
    double expected = new Script().schedule().withLearningRate(0.5).at(STEPS - 1, STEPS);
    assertEquals(expected, last.get("lr").asDouble());
  }

  @Test
  void shouldTrainWithAnUpdaterAndAScheduleOfNd4j() throws IOException {
    class Nd4jScript extends Script {
      @Override
      OptimizerOptions optimizer() {
        return new UpdaterOptions(new Nadam(), 0.01);
      }

      @Override
      LearningRateSchedule schedule() {
        return new LearningRateSchedule(
            LearningRateSchedule.Kind.CURVE,
            0.05,
            0,
            2,
            0,
            new StepSchedule(ScheduleType.ITERATION, 1, 0.5, 4));
      }
    }

    float[] alone = values(train(1, folder.resolve("alone"), new Nd4jScript())).get(0);
    for (int ranks : new int[] {2, 3}) {
      for (float[] shared :
          values(train(ranks, folder.resolve("ranks" + ranks), new Nd4jScript()))) {
        assertArrayEquals(alone, shared);
      }
    }
    List<Double> rates = new ArrayList<>();
    for (JsonNode line : lines(folder.resolve("alone/metrics.jsonl"))) {
      if (line.has("lr")) {
        rates.add(line.get("lr").asDouble());
      }
    }
    assertEquals(
        List.of(0.0, 0.025, 0.05, 0.05, 0.05, 0.05, 0.025, 0.025, 0.025, 0.025, 0.0125, 0.0125),
        rates);
  }

  @Test
  void shouldSayWhatEveryRankDidInEachStep() throws IOException {
    Path task = folder.resolve("ranks");
    values(train(3, task, new Script()));
    long size = VOCABULARY * VOCABULARY + VOCABULARY;
    for (int rank = 0; rank < 3; rank++) {
      List<JsonNode> lines = lines(task.resolve("ranks/rank-%05d.jsonl".formatted(rank)));
      assertEquals(STEPS, lines.size());
      for (int step = 0; step < STEPS; step++) {
        JsonNode line = lines.get(step);
        assertEquals(step + 1, line.get("step").asInt());
        assertTrue(line.get("compute_ms").asDouble() >= 0, line.toString());
        assertTrue(line.get("wait_ms").asDouble() >= 0, line.toString());
        // Rank 1 follows rank 0: it hands over its gradients and gets all parameters.
        long sent = line.get("bytes_sent").asLong();
        assertEquals(rank == 1 ? size * Float.BYTES : sent, sent);
        assertTrue(sent > 0, line.toString());
      }
    }
    values(train(1, folder.resolve("alone"), new Script()));
    assertFalse(Files.exists(folder.resolve("alone/ranks")));
  }

  private List<ReferenceCollective.Ending<float[]>> train(int ranks, Path task, Script script) {
    return ReferenceCollective.endings(ranks, collective -> train(collective, task, script));
  }

  private static List<float[]> values(List<ReferenceCollective.Ending<float[]>> endings) {
    List<float[]> values = new ArrayList<>();
    for (ReferenceCollective.Ending<float[]> ending : endings) {
      if (ending.failure() != null) {
        throw new AssertionError(ending.failure());
      }
      values.add(ending.value());
    }
    return values;
  }

  private static float[] train(Collective collective, Path task, Script script) {
    DatasetFolder folder = DatasetFolder.open(dataset.toString(), new Configuration());
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void stepped(StepMetrics metrics) {
            script.stepped(collective, metrics.step());
          }
        };
    try (Bigram bigram = new Bigram(VOCABULARY, 0.1).poison(script.poisonedCall(collective));
        DatasetReader train = folder.split("train", VOCABULARY, RowOrder.reshuffled(9));
        DatasetReader validation = folder.split("validation", VOCABULARY, RowOrder.STORED)) {
      float[] before = bigram.parameters().toFloatArray();
      assertEquals(VOCABULARY * VOCABULARY + VOCABULARY, before.length);
      Training.run(
          new TrainingInputs(
              bigram,
              train,
              Optional.of(validation),
              new TrainingOptions(
                  3,
                  0,
                  2,
                  4,
                  0.5,
                  11,
                  script.schedule(),
                  script.optimizer(),
                  new Cadence(1, 4, 0, 3, 2)),
              Map.of(),
              task,
              CheckpointPlace.in(task),
              listener,
              () -> script.stop(collective),
              collective,
              new HostResources(1, 1L << 16)));
      return bigram.parameters().toFloatArray();
    }
  }

  private static void write(Path file, String content) {
    try {
      Files.writeString(file, content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The metrics without the timing. */
  private static List<String> metrics(Path task) throws IOException {
    List<String> lines = new ArrayList<>();
    for (JsonNode line : lines(task.resolve("metrics.jsonl"))) {
      ((com.fasterxml.jackson.databind.node.ObjectNode) line).remove("tokens_per_s");
      lines.add(line.toString());
    }
    return lines;
  }

  private static List<JsonNode> lines(Path file) throws IOException {
    List<JsonNode> lines = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      lines.add(new ObjectMapper().readTree(line));
    }
    return lines;
  }
}
