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
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
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
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;

/** The loop with the real thing: a tiny Llama on the CPU engine. */
class DecoderTrainingTest {
  private static final int VOCABULARY = 96;
  private static final Configuration CONFIGURATION = new Configuration();

  @TempDir private static Path dataset;
  @TempDir private Path task;
  @TempDir private Path otherTask;

  @BeforeAll
  static void writeDataset() throws IOException {
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", DatasetFixture.randomRows(3, 12, VOCABULARY), 5)
        .part("validation", DatasetFixture.randomRows(3, 12, VOCABULARY), 5)
        .finish();
  }

  /** What a run left behind. */
  private record Outcome(TrainingResult result, List<StepMetrics> steps, float[] parameters) {}

  @ParameterizedTest
  @EnumSource(Precision.class)
  void shouldResumeLoraWithDropoutToTheSameBits(Precision precision) throws IOException {
    TrainingOptions options = options(4, 2, 2, 1e-2);
    Outcome whole = run(task, precision, lora(0.1), options, Long.MAX_VALUE);
    assertEquals(12, whole.result().steps());

    assertThrows(SparktuneException.class, () -> run(otherTask, precision, lora(0.1), options, 7));
    Outcome resumed = run(otherTask, precision, lora(0.1), options, Long.MAX_VALUE);

    assertEquals(7, resumed.steps().get(0).step());
    assertArrayEquals(whole.parameters(), resumed.parameters());
    assertEquals(-1, Files.mismatch(TrainingTest.part(task, 12), TrainingTest.part(otherTask, 12)));
  }

  @Test
  void shouldLearnTheTrainingSetByHeart() throws IOException {
    Outcome outcome =
        run(task, Precision.F32, Tuning.Full.everything(), options(40, 4, 1, 3e-3), Long.MAX_VALUE);
    double before = outcome.steps().get(0).loss();
    double after = outcome.result().lastEvaluation().orElseThrow().loss();
    assertTrue(before > 4 && after < 0.5, "from %s to %s".formatted(before, after));
  }

  @Test
  void shouldMakeTheSameStepHoweverItIsCut() throws IOException {
    Outcome whole = run(task, Precision.F32, lora(0), options(1, 12, 1, 1e-2), Long.MAX_VALUE);
    for (int cuts : new int[] {2, 3, 4, 12}) {
      TrainingOptions options = options(1, 12 / cuts, cuts, 1e-2);
      Outcome cut =
          run(otherTask.resolve("cuts" + cuts), Precision.F32, lora(0), options, Long.MAX_VALUE);
      assertEquals(1, cut.result().steps());
      StepMetrics expected = whole.steps().get(0);
      StepMetrics actual = cut.steps().get(0);
      assertEquals(expected.loss(), actual.loss(), 1e-5 * expected.loss());
      assertEquals(expected.gradientNorm(), actual.gradientNorm(), 1e-5 * expected.gradientNorm());
      assertEquals(expected.tokens(), actual.tokens());
    }
  }

  private static Tuning lora(double dropout) {
    return new Tuning.Lora(
        new LoraConfig(
            4,
            8,
            dropout,
            new TargetModules.AllLinear(),
            false,
            false,
            Map.of(),
            Map.of(),
            List.of(),
            LoraConfig.Initialization.KAIMING_UNIFORM,
            List.of()),
        3);
  }

  private static TrainingOptions options(
      int epochs, int batchSize, int accumulation, double learningRate) {
    return new TrainingOptions(
        epochs,
        0,
        batchSize,
        accumulation,
        1.0,
        11,
        new LearningRateSchedule(LearningRateSchedule.Kind.LINEAR, learningRate, 0, 0, 0.1),
        new AdamWOptions(0.9, 0.99, 1e-8, 0.01),
        new Cadence(1, 0, 0, 3, 2));
  }

  private static Outcome run(
      Path task, Precision precision, Tuning tuning, TrainingOptions options, long killedAfter) {
    List<StepMetrics> steps = new ArrayList<>();
    TrainingListener listener =
        new TrainingListener() {
          @Override
          public void stepped(StepMetrics metrics) {
            steps.add(metrics);
            if (metrics.step() == killedAfter) {
              throw new SparktuneException(ErrorCode.INTERNAL, "killed", "");
            }
          }
        };
    DatasetFolder folder = DatasetFolder.open(dataset.toString(), CONFIGURATION);
    DecoderConfig config = HuggingFaceConfig.read(model().resolve("config.json"));
    try (HuggingFaceFolder weights = HuggingFaceFolder.open(model());
        Engine engine = CpuEngines.open(precision, 2);
        Decoder decoder = Decoder.load(config, weights, engine, tuning);
        DatasetReader train =
            folder.split("train", config.vocabularySize(), RowOrder.reshuffled(9));
        DatasetReader validation =
            folder.split("validation", config.vocabularySize(), RowOrder.STORED)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      TrainingResult result =
          Training.run(
              new TrainingInputs(
                  trainable,
                  train,
                  Optional.of(validation),
                  options,
                  Map.of(),
                  task,
                  CheckpointPlace.in(task),
                  listener,
                  () -> false,
                  new LocalCollective(),
                  new HostResources(2, 1L << 30)));
      return new Outcome(result, steps, trainable.parameters().toFloatArray());
    }
  }

  private static Path model() {
    try {
      return Path.of(DecoderTrainingTest.class.getResource("/reference/hf/llama3-tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
