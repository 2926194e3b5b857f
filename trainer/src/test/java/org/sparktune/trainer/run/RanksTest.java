package org.sparktune.trainer.run;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.checkpoint.CheckpointPlace;
import org.sparktune.trainer.checkpoint.CheckpointStore;
import org.sparktune.trainer.checkpoint.Snapshot;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.ReferenceCollective;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.dataset.DatasetFixture;
import org.sparktune.trainer.dataset.DatasetFolder;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.RowOrder;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.cpu.CpuEngines;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
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
import org.sparktune.trainer.optim.ParameterLayout;

/** The same specification on any number of ranks: the same bits. */
class RanksTest {
  private static final int VOCABULARY = 96;
  private static final Configuration CONFIGURATION = new Configuration();

  @TempDir private static Path dataset;
  @TempDir private Path folder;

  @BeforeAll
  static void writeDataset() throws IOException {
    new DatasetFixture(dataset, DatasetFixture.Encoding.THREE_LEVELS)
        .part("train", DatasetFixture.randomRows(3, 19, VOCABULARY), 3)
        .part("train", DatasetFixture.randomRows(5, 8, VOCABULARY), 3)
        .part("validation", DatasetFixture.randomRows(4, 9, VOCABULARY), 4)
        .finish();
  }

  /** What a rank saw. */
  private record Outcome(
      Learnt learnt, List<List<Number>> metrics, List<EvaluationMetrics> evaluations) {}

  /**
   * What came of the training.
   *
   * @param state the last checkpoint's optimizer state, moment after moment
   */
  private record Learnt(float[] parameters, float[] state) {}

  @ParameterizedTest
  @CsvSource({
    "lora, F32, 4",
    "lora, BF16, 4",
    "full, F32, 4",
    "lora, F32, 5",
    "lora, F32, 1",
    "full, F32, 3"
  })
  void shouldTrainToTheSameBitsOnAnyNumberOfRanks(String tuning, Precision precision, int leaves)
      throws IOException {
    Outcome alone = train(1, tuning, precision, leaves).get(0);
    for (int ranks : new int[] {2, 3, 4, 5, 8}) {
      for (Outcome outcome : train(ranks, tuning, precision, leaves)) {
        assertArrayEquals(
            alone.learnt().parameters(), outcome.learnt().parameters(), ranks + " ranks");
        assertArrayEquals(alone.learnt().state(), outcome.learnt().state(), ranks + " ranks");
        assertEquals(alone.metrics(), outcome.metrics(), ranks + " ranks");
        assertEquals(alone.evaluations(), outcome.evaluations(), ranks + " ranks");
      }
    }
  }

  private List<Outcome> train(int ranks, String tuning, Precision precision, int leaves) {
    return ReferenceCollective.call(
        ranks,
        collective -> {
          List<List<Number>> metrics = new ArrayList<>();
          List<EvaluationMetrics> evaluations = new ArrayList<>();
          TrainingListener listener =
              new TrainingListener() {
                @Override
                public void stepped(StepMetrics step) {
                  metrics.add(
                      List.of(
                          step.step(),
                          step.loss(),
                          step.gradientNorm(),
                          step.learningRate(),
                          step.tokens()));
                }

                @Override
                public void evaluated(EvaluationMetrics evaluation) {
                  evaluations.add(evaluation);
                }
              };
          Learnt learnt = run(collective, tuning(tuning), precision, leaves, listener);
          return new Outcome(learnt, metrics, evaluations);
        });
  }

  private Learnt run(
      Collective collective,
      Tuning tuning,
      Precision precision,
      int leaves,
      TrainingListener listener) {
    DatasetFolder folder = DatasetFolder.open(dataset.toString(), CONFIGURATION);
    DecoderConfig config = HuggingFaceConfig.read(model().resolve("config.json"));
    try (HuggingFaceFolder weights = HuggingFaceFolder.open(model());
        Engine engine = CpuEngines.open(precision, 1);
        Decoder decoder = Decoder.load(config, weights, engine, tuning);
        DatasetReader train =
            folder.split("train", config.vocabularySize(), RowOrder.reshuffled(9));
        DatasetReader validation =
            folder.split("validation", config.vocabularySize(), RowOrder.STORED)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      TrainingOptions options =
          new TrainingOptions(
              2,
              0,
              2,
              leaves,
              0.5,
              11,
              new LearningRateSchedule(LearningRateSchedule.Kind.COSINE, 1e-2, 0.1, 0, 0.1),
              new AdamWOptions(0.9, 0.99, 1e-8, 0.01),
              new Cadence(1, 2, 0, 3, 2));
      TrainingInputs inputs =
          new TrainingInputs(
              trainable,
              train,
              Optional.of(validation),
              options,
              Map.of(),
              this.folder.resolve("ranks" + collective.ranks()),
              CheckpointPlace.in(this.folder.resolve("ranks" + collective.ranks())),
              listener,
              () -> false,
              collective,
              // So little memory that there are many buckets.
              new HostResources(1, 1L << 20));
      long steps = Training.run(inputs).steps();
      return new Learnt(trainable.parameters().toFloatArray(), state(inputs, steps));
    }
  }

  /** What the run's last checkpoint holds beside the parameters, put together by a single rank. */
  private static float[] state(TrainingInputs inputs, long steps) {
    ParameterLayout layout = inputs.trainable().layout();
    CheckpointStore store =
        CheckpointStore.open(
            inputs.taskFolder().resolve("checkpoints").toString(),
            CONFIGURATION,
            2,
            RunStore.describe(RunIdentity.of(inputs, steps), layout),
            new LocalCollective());
    long size = layout.size();
    List<Slices.Range> whole = List.of(new Slices.Range(0, size));
    try (Arena arena = new Arena("state")) {
      Tensor parameters = arena.allocate(DType.F32, size);
      Tensor moments = arena.allocate(DType.F32, 2 * size);
      List<ShardedVector> vectors =
          List.of(
              new ShardedVector("parameters", size, whole, parameters),
              new ShardedVector("exp_avg", size, whole, moments.view(0, size)),
              new ShardedVector("exp_avg_sq", size, whole, moments.view(size, size)));
      Snapshot snapshot = store.restore(vectors).orElseThrow();
      assertEquals(steps, snapshot.step());
      assertArrayEquals(inputs.trainable().parameters().toFloatArray(), parameters.toFloatArray());
      return moments.toFloatArray();
    }
  }

  private static Tuning tuning(String name) {
    return name.equals("full")
        ? Tuning.Full.everything()
        : new Tuning.Lora(
            new LoraConfig(
                4,
                8,
                0.1,
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

  private static Path model() {
    try {
      return Path.of(RanksTest.class.getResource("/reference/hf/llama3-tiny").toURI());
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }
}
