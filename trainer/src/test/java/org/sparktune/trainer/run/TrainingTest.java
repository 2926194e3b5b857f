package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;

class TrainingTest {
  private static final int VOCABULARY = 30;
  private static final Configuration CONFIGURATION = new Configuration();
  private static final List<DatasetRow> ROWS = DatasetFixture.randomRows(3, 37, VOCABULARY);
  private static final List<DatasetRow> HELD_OUT = DatasetFixture.randomRows(4, 11, VOCABULARY);

  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writeDataset() throws IOException {
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", ROWS.subList(0, 23), 6)
        .part("train", ROWS.subList(23, 37), 6)
        .part("validation", HELD_OUT, 4)
        .finish();
  }

  /** What a run left behind. */
  private record Outcome(TrainingResult result, float[] parameters) {}

  @Test
  void shouldLearn() throws IOException {
    Outcome outcome = run(task, options(3, 2), () -> false, TrainingListener.NONE);
    List<Map<String, Object>> lines = metrics(task);
    double before = (double) lines.get(0).get("eval_loss");
    assertEquals(0, lines.get(0).get("step"));
    assertEquals(Math.log(VOCABULARY), before, 0.05);
    Map<String, Object> last = lines.get(lines.size() - 1);
    assertEquals(outcome.result().lastEvaluation().orElseThrow().loss(), last.get("eval_loss"));
    double first = (double) lines.get(1).get("loss");
    assertTrue(outcome.result().finalLoss() < first - 0.3, outcome.toString());
    assertEquals(Math.exp((double) last.get("eval_loss")), (double) last.get("perplexity"), 1e-12);
  }

  @Test
  void shouldStepAsManyTimesAsTheRowsSay() throws IOException {
    // 37 rows make 13 micro-batches of 3, those 7 steps of 2: the last of an epoch has one.
    List<TrainingPlan> plans = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void started(TrainingPlan plan) {
            plans.add(plan);
          }
        };
    Outcome outcome = run(task, options(3, 2), () -> false, listener);
    assertEquals(7, plans.get(0).stepsPerEpoch());
    assertEquals(21, outcome.result().steps());
    assertEquals(3 * plans.get(0).tokensPerEpoch(), outcome.result().tokens());
    assertEquals(11, plans.get(0).validationRows());
  }

  @ParameterizedTest
  @CsvSource({"1,1,4", "3,2,1", "3,2,5", "3,2,10", "2,4,12", "5,3,7"})
  void shouldResumeToTheSameBits(int batchSize, int accumulation, int killedAfter)
      throws IOException {
    TrainingOptions options = options(batchSize, accumulation);
    Outcome whole = run(task, options, () -> false, TrainingListener.NONE);

    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> run(otherTask, options, () -> false, killer(killedAfter)));
    assertEquals("killed", e.getMessage());
    Outcome resumed = run(otherTask, options, () -> false, TrainingListener.NONE);

    assertSame(whole, resumed);
  }

  @Test
  void shouldGoOnOnAnotherHost() throws IOException {
    TrainingOptions options = options(3, 2);
    Outcome whole = run(task, options, () -> false, TrainingListener.NONE);

    Path firstHost = Files.createDirectories(otherTask.resolve("first"));
    assertThrows(SparktuneException.class, () -> run(firstHost, options, () -> false, killer(13)));
    Path secondHost = Files.createDirectories(otherTask.resolve("second"));
    Outcome resumed =
        run(
            secondHost,
            CheckpointPlace.in(firstHost),
            options,
            Map.of("model", "sha256:base"),
            RowOrder.reshuffled(9),
            new Bigram(VOCABULARY, 0.1),
            () -> false,
            TrainingListener.NONE);

    assertArrayEquals(whole.parameters(), resumed.parameters());
    assertEquals(metrics(task), metrics(secondHost));
  }

  @Test
  void shouldStopWhenAskedAndGoOn() throws IOException {
    TrainingOptions options = options(3, 2);
    Outcome whole = run(task, options, () -> false, TrainingListener.NONE);

    int[] asked = {0};
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> run(otherTask, options, () -> asked[0]++ == 6, TrainingListener.NONE));
    assertEquals(ErrorCode.INTERRUPTED, e.code());
    assertEquals("Training was stopped after step 6 of 21.", e.getMessage());
    assertTrue(e.hint().contains("step-00000006"), e.hint());
    Outcome resumed = run(otherTask, options, () -> false, TrainingListener.NONE);

    assertSame(whole, resumed);
  }

  @Test
  void shouldDoNothingMoreWhenComplete() throws IOException {
    Outcome whole = run(task, options(3, 2), () -> false, TrainingListener.NONE);
    String metrics = Files.readString(task.resolve("metrics.jsonl"));
    Outcome again = run(task, options(3, 2), () -> false, killer(0));
    assertArrayEquals(whole.parameters(), again.parameters());
    assertEquals(whole.result().finalLoss(), again.result().finalLoss());
    assertEquals(whole.result().bestEvaluation(), again.result().bestEvaluation());
    assertEquals(metrics, Files.readString(task.resolve("metrics.jsonl")));
  }

  @Test
  void shouldPassOverADamagedCheckpoint() throws IOException {
    TrainingOptions options = options(3, 2);
    Outcome whole = run(task, options, () -> false, TrainingListener.NONE);

    assertThrows(SparktuneException.class, () -> run(otherTask, options, () -> false, killer(13)));
    Path newest = part(otherTask, 12);
    byte[] bytes = Files.readAllBytes(newest);
    bytes[bytes.length / 2] ^= 1;
    Files.write(newest, bytes);
    List<Long> starts = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void started(TrainingPlan plan) {
            starts.add(plan.resumedStep());
          }
        };
    Outcome resumed = run(otherTask, options, () -> false, listener);

    assertEquals(List.of(9L), starts);
    assertSame(whole, resumed);
  }

  @Test
  void shouldRefuseTheCheckpointOfAnotherRun() {
    assertThrows(SparktuneException.class, () -> run(task, options(3, 2), () -> false, killer(4)));
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> run(task, options(4, 2), () -> false, TrainingListener.NONE));
    assertEquals(ErrorCode.MISMATCH, e.code());
    assertTrue(e.getMessage().contains("batch_size was 3 and is now 4"), e.getMessage());

    e =
        assertThrows(
            SparktuneException.class,
            () ->
                run(
                    task,
                    options(3, 2),
                    Map.of("model", "sha256:other"),
                    RowOrder.reshuffled(1),
                    new Bigram(VOCABULARY, 0.1),
                    () -> false,
                    TrainingListener.NONE));
    assertTrue(
        e.getMessage().contains("model was sha256:base and is now sha256:other"), e.getMessage());
    assertTrue(e.getMessage().contains("dataset was sha256:"), e.getMessage());
  }

  @Test
  void shouldStopWhenTheLossIsNotFinite() throws IOException {
    Bigram bigram = new Bigram(VOCABULARY, 0.1).poison(2 * 5 + 1);
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () ->
                run(
                    task,
                    options(3, 2),
                    Map.of("model", "sha256:base"),
                    RowOrder.reshuffled(9),
                    bigram,
                    () -> false,
                    TrainingListener.NONE));
    assertEquals(ErrorCode.DIVERGED, e.code());
    assertEquals(
        "Step 6 of 21: the loss is NaN in train/part-00001.parquet rows 10, 11, 12.",
        e.getMessage());
    assertTrue(e.hint().contains("step-00000003"), e.hint());
    // What is on the disk is still good.
    Outcome resumed = run(task, options(3, 2), () -> false, TrainingListener.NONE);
    assertEquals(21, resumed.result().steps());
  }

  @Test
  void shouldTakeUpControlFile() throws IOException {
    TrainingOptions options = options(3, 2);
    List<StepMetrics> steps = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void stepped(StepMetrics metrics) {
            steps.add(metrics);
            String control =
                switch ((int) metrics.step()) {
                  case 4 -> "{\"learning_rate\": 0.5, \"log_every\": 4}";
                  case 8 -> "{\"learning_rat\": 0.7}";
                  case 10 -> "{not json";
                  default -> "";
                };
            if (!control.isEmpty()) {
              writeControl(control);
            }
          }
        };
    run(task, options, () -> false, listener);
    double[] expected = new double[21];
    for (int step = 0; step < expected.length; step++) {
      double peak = step < 4 ? options.schedule().learningRate() : 0.5;
      expected[step] = options.schedule().withLearningRate(peak).at(step, 21);
    }
    assertArrayEquals(expected, steps.stream().mapToDouble(StepMetrics::learningRate).toArray());
    List<Object> logged =
        metrics(task).stream()
            .filter(line -> line.containsKey("loss"))
            .map(line -> line.get("step"))
            .toList();
    assertEquals(List.of(1, 2, 3, 4, 8, 12, 16, 20, 21), logged);
  }

  @Test
  void shouldKeepTheNewestCheckpointsAndTheBest() throws IOException {
    run(task, options(3, 2), () -> false, TrainingListener.NONE);
    try (var folders = Files.list(task.resolve("checkpoints"))) {
      assertEquals(
          List.of("best", "latest", "step-00000012", "step-00000018", "step-00000021"),
          folders.map(path -> path.getFileName().toString()).sorted().toList());
    }
  }

  private static TrainingOptions options(int batchSize, int accumulation) {
    return new TrainingOptions(
        3,
        0,
        batchSize,
        accumulation,
        0.5,
        11,
        new LearningRateSchedule(LearningRateSchedule.Kind.COSINE, 0.1, 0.2, 0, 0.1),
        new AdamWOptions(0.9, 0.99, 1e-8, 0.05),
        new Cadence(1, 4, 0, 3, 2));
  }

  private static Outcome run(
      Path task, TrainingOptions options, BooleanSupplier stop, TrainingListener listener) {
    return run(
        task,
        options,
        Map.of("model", "sha256:base"),
        RowOrder.reshuffled(9),
        new Bigram(VOCABULARY, 0.1),
        stop,
        listener);
  }

  private static Outcome run(
      Path task,
      TrainingOptions options,
      Map<String, String> identity,
      RowOrder order,
      Bigram bigram,
      BooleanSupplier stop,
      TrainingListener listener) {
    return run(task, CheckpointPlace.in(task), options, identity, order, bigram, stop, listener);
  }

  private static Outcome run(
      Path task,
      CheckpointPlace checkpoints,
      TrainingOptions options,
      Map<String, String> identity,
      RowOrder order,
      Bigram bigram,
      BooleanSupplier stop,
      TrainingListener listener) {
    DatasetFolder folder = DatasetFolder.open(dataset.toString(), CONFIGURATION);
    try (bigram;
        DatasetReader train = folder.split("train", VOCABULARY, order);
        DatasetReader validation = folder.split("validation", VOCABULARY, RowOrder.STORED)) {
      TrainingResult result =
          Training.run(
              new TrainingInputs(
                  bigram,
                  train,
                  Optional.of(validation),
                  options,
                  identity,
                  task,
                  checkpoints,
                  listener,
                  stop,
                  new LocalCollective(),
                  new HostResources(2, 1L << 30)));
      return new Outcome(result, bigram.parameters().toFloatArray());
    }
  }

  /** Ends the run in the middle, without a word to the loop. */
  private static TrainingListener killer(long step) {
    return new TrainingListener() {
      @Override
      public void stepped(StepMetrics metrics) {
        if (metrics.step() == step) {
          throw new SparktuneException(ErrorCode.INTERNAL, "killed", "");
        }
      }
    };
  }

  private void assertSame(Outcome whole, Outcome resumed) throws IOException {
    assertArrayEquals(whole.parameters(), resumed.parameters());
    long steps = whole.result().steps();
    assertArrayEquals(
        Files.readAllBytes(part(task, steps)), Files.readAllBytes(part(otherTask, steps)));
    assertEquals(whole.result().finalLoss(), resumed.result().finalLoss());
    assertEquals(whole.result().tokens(), resumed.result().tokens());
    assertEquals(whole.result().bestEvaluation(), resumed.result().bestEvaluation());
    assertEquals(metrics(task), metrics(otherTask));
    assertFalse(metrics(task).isEmpty());
    assertNotEquals(0, whole.result().tokensPerSecond());
  }

  /** The only part of a checkpoint: parameters and moments. */
  static Path part(Path task, long step) throws IOException {
    try (var files = Files.list(task.resolve("checkpoints/step-%08d".formatted(step)))) {
      return files
          .filter(file -> file.toString().endsWith(".safetensors"))
          .findFirst()
          .orElseThrow();
    }
  }

  private void writeControl(String content) {
    try {
      Files.writeString(task.resolve("control.json"), content);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The metrics without the timing. */
  private static List<Map<String, Object>> metrics(Path task) throws IOException {
    List<Map<String, Object>> lines = new ArrayList<>();
    for (String line : Files.readAllLines(task.resolve("metrics.jsonl"))) {
      Map<String, Object> fields = new ObjectMapper().readValue(line, new TypeReference<>() {});
      fields.remove("tokens_per_s");
      lines.add(fields);
    }
    return lines;
  }
}
