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
import java.util.Set;
import java.util.TreeMap;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.learning.config.Nadam;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.DeviceEngine;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.model.AdapterExchange;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderConfig;
import org.sparktune.trainer.model.DecoderTrainable;
import org.sparktune.trainer.model.Generator;
import org.sparktune.trainer.model.HuggingFaceConfig;
import org.sparktune.trainer.model.LoraConfig;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.SamplingOptions;
import org.sparktune.trainer.model.TargetModules;
import org.sparktune.trainer.model.Tuning;
import org.sparktune.trainer.modelfile.HuggingFaceFolder;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.LearningRateSchedule;
import org.sparktune.trainer.optim.OptimizerOptions;
import org.sparktune.trainer.optim.UpdaterOptions;

/** Training on an engine whose memory the host cannot reach gives what the same engine gives. */
class DeviceTrainingTest {
  private static final int VOCABULARY = 96;
  private static final Configuration CONFIGURATION = new Configuration();
  private static final OptimizerOptions ADAM_W = new AdamWOptions(0.9, 0.99, 1e-8, 0.01);

  @TempDir private static Path dataset;
  @TempDir private Path hostTask;
  @TempDir private Path deviceTask;

  @BeforeAll
  static void writeDataset() throws IOException {
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", DatasetFixture.randomRows(3, 12, VOCABULARY), 5)
        .part("validation", DatasetFixture.randomRows(3, 12, VOCABULARY), 5)
        .finish();
  }

  /** What a run left behind: numbers of every step and evaluation, parameters, what it says. */
  private record Outcome(
      List<List<Double>> figures,
      Map<String, float[]> parameters,
      List<int[]> continuations,
      float[] baseScores) {}

  @ParameterizedTest
  @CsvSource({
    "F32, llama3-tiny, lora",
    "BF16, llama3-tiny, lora",
    "F32, qwen3-tiny, dora",
    "F32, llama3-tiny, full",
    "BF16, phi3-tiny, full"
  })
  void shouldTrainResumeEvaluateAndGenerateToTheSameBits(
      Precision precision, String model, String tuning) throws IOException {
    Runner host = new Runner(model, tuning(tuning), ADAM_W, () -> CpuEngines.open(precision, 2));
    Runner device = host.on(() -> DeviceEngine.over(CpuEngines.open(precision, 2)));
    Outcome expected = host.run(hostTask, Long.MAX_VALUE);
    assertThrows(SparktuneException.class, () -> device.run(deviceTask, 5));
    Outcome resumed = device.run(deviceTask, Long.MAX_VALUE);
    // The last checkpoint before the failure is of the third step; each step has one row of
    // figures.
    int from = expected.figures().size() - resumed.figures().size();
    assertTrue(from > 0);
    assertEquals(expected.figures().subList(from, expected.figures().size()), resumed.figures());
    requireSame(expected, resumed);
    Path part = TrainingTest.part(hostTask, 6);
    assertEquals(-1, Files.mismatch(part, TrainingTest.part(deviceTask, 6)));
  }

  @Test
  void shouldTrainWithAnUpdaterOfNd4j() throws IOException {
    OptimizerOptions nadam = new UpdaterOptions(new Nadam(), 0.01);
    Runner host =
        new Runner("llama3-tiny", tuning("lora"), nadam, () -> CpuEngines.open(Precision.F32, 2));
    Runner device = host.on(() -> DeviceEngine.over(CpuEngines.open(Precision.F32, 2)));
    requireSame(host.run(hostTask, Long.MAX_VALUE), device.run(deviceTask, Long.MAX_VALUE));
  }

  @Test
  void shouldTrainOnSeveralRanks() throws IOException {
    Runner host =
        new Runner("llama3-tiny", tuning("full"), ADAM_W, () -> CpuEngines.open(Precision.F32, 1));
    Runner device = host.on(() -> DeviceEngine.over(CpuEngines.open(Precision.F32, 1)));
    Outcome expected = host.run(hostTask, Long.MAX_VALUE);
    for (Outcome outcome :
        ReferenceCollective.call(3, collective -> device.run(deviceTask, collective))) {
      requireSame(expected, outcome);
    }
  }

  @Test
  void shouldMoveNothingButIdsAndScalarsWhileItTrains() {
    Path folder = folderOf("llama3-tiny");
    DecoderConfig config = HuggingFaceConfig.read(folder.resolve("config.json"));
    int[] tokens = new int[64];
    int[] targets = new int[64];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = i;
      targets[i] = i % 4 == 0 ? i : Batch.IGNORED;
    }
    Batch batch = new Batch(tokens, targets, new int[] {0, 40, 64});
    for (String tuning : List.of("lora", "dora", "full")) {
      try (HuggingFaceFolder weights = HuggingFaceFolder.open(folder);
          Engine engine = DeviceEngine.over(CpuEngines.open(Precision.F32, 2));
          Decoder decoder = Decoder.load(config, weights, engine, tuning(tuning))) {
        DecoderTrainable trainable = new DecoderTrainable(decoder);
        trainable.accumulate(batch, 1);
        long before = DeviceEngine.hostBytes(engine);
        trainable.accumulate(batch, 1);
        trainable.parametersChanged();
        long logProbs = (long) batch.validTokens() * Float.BYTES;
        assertEquals(logProbs, DeviceEngine.hostBytes(engine) - before, tuning);
      }
    }
  }

  private static void requireSame(Outcome expected, Outcome actual) {
    assertEquals(expected.parameters().keySet(), actual.parameters().keySet());
    expected
        .parameters()
        .forEach((name, values) -> assertArrayEquals(values, actual.parameters().get(name), name));
    assertArrayEquals(expected.baseScores(), actual.baseScores());
    assertEquals(expected.continuations().size(), actual.continuations().size());
    for (int i = 0; i < expected.continuations().size(); i++) {
      assertArrayEquals(expected.continuations().get(i), actual.continuations().get(i));
    }
  }

  private static Tuning tuning(String name) {
    if (name.equals("full")) {
      return Tuning.Full.everything();
    }
    LoraConfig config =
        new LoraConfig(
            4,
            8,
            name.equals("lora") ? 0.1 : 0,
            new TargetModules.AllLinear(),
            false,
            name.equals("dora"),
            Map.of(),
            Map.of(),
            List.of(),
            LoraConfig.Initialization.KAIMING_UNIFORM,
            List.of());
    return new Tuning.Lora(config, 3);
  }

  private static Path folderOf(String name) {
    try {
      return Path.of(DeviceTrainingTest.class.getResource("/reference/hf/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Opens an engine. */
  private interface EngineSource {
    Engine open();
  }

  /** Trains a model on one engine or another. */
  private record Runner(
      String model, Tuning tuning, OptimizerOptions optimizer, EngineSource engines) {

    Runner on(EngineSource others) {
      return new Runner(model, tuning, optimizer, others);
    }

    Outcome run(Path task, long killedAfter) {
      return run(task, killedAfter, new LocalCollective());
    }

    Outcome run(Path task, Collective collective) {
      return run(task, Long.MAX_VALUE, collective);
    }

    private Outcome run(Path task, long killedAfter, Collective collective) {
      List<List<Double>> figures = new ArrayList<>();
      TrainingListener listener =
          new TrainingListener() {
            @Override
            public void stepped(StepMetrics metrics) {
              figures.add(List.of(metrics.loss(), metrics.gradientNorm()));
              if (metrics.step() == killedAfter) {
                throw new SparktuneException(ErrorCode.INTERNAL, "killed", "");
              }
            }

            @Override
            public void evaluated(EvaluationMetrics evaluation) {
              figures.add(List.of(evaluation.loss()));
            }
          };
      DatasetFolder folder = DatasetFolder.open(dataset.toString(), CONFIGURATION);
      Path path = folderOf(model);
      DecoderConfig config = HuggingFaceConfig.read(path.resolve("config.json"));
      try (HuggingFaceFolder weights = HuggingFaceFolder.open(path);
          Engine engine = engines.open();
          Decoder decoder = Decoder.load(config, weights, engine, tuning);
          DatasetReader train =
              folder.split("train", config.vocabularySize(), RowOrder.reshuffled(9));
          DatasetReader validation =
              folder.split("validation", config.vocabularySize(), RowOrder.STORED)) {
        DecoderTrainable trainable = new DecoderTrainable(decoder);
        Training.run(
            new TrainingInputs(
                trainable,
                train,
                Optional.of(validation),
                options(),
                Map.of(),
                task,
                CheckpointPlace.in(task),
                listener,
                () -> false,
                collective,
                // So little memory that there are many buckets.
                new HostResources(2, 1L << 20)));
        return new Outcome(figures, parameters(trainable), continuations(decoder), scores(decoder));
      }
    }

    private TrainingOptions options() {
      return new TrainingOptions(
          2,
          0,
          2,
          2,
          0.5,
          11,
          new LearningRateSchedule(LearningRateSchedule.Kind.LINEAR, 1e-2, 0, 0, 0.1),
          optimizer,
          new Cadence(1, 2, 0, 3, 2));
    }

    /** As an export writes them. */
    private Map<String, float[]> parameters(DecoderTrainable trainable) {
      Map<String, float[]> values = new TreeMap<>();
      try (Arena copies = new Arena("exported tensors")) {
        Map<String, Tensor> tensors =
            tuning instanceof Tuning.Lora
                ? AdapterExchange.export(trainable, "base", copies).tensors()
                : trainable.hostTensors(copies);
        tensors.forEach((name, tensor) -> values.put(name, tensor.toFloatArray()));
      }
      return values;
    }

    private static float[] scores(Decoder decoder) {
      Batch batch =
          new Batch(new int[] {1, 2, 3}, new int[] {2, Batch.IGNORED, 4}, new int[] {0, 3});
      return decoder.scores(batch, Passage.BASE);
    }

    private static List<int[]> continuations(Decoder decoder) {
      List<int[]> prompts =
          List.of(new int[] {7, 8, 9, 10, 11, 12, 13, 14, 15}, new int[] {5}, new int[] {6, 3});
      List<int[]> tokens = new ArrayList<>();
      for (SamplingOptions options :
          List.of(SamplingOptions.greedy(12), new SamplingOptions(12, 0.8, 20, 0.9, 0, 1.1, 5))) {
        new Generator(decoder)
            .generate(prompts, options, Set.of(4), (sequence, token) -> {})
            .forEach(continuation -> tokens.add(continuation.tokens()));
      }
      return tokens;
    }
  }
}
