package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.export.ReplacedWeights;
import org.sparktune.trainer.objective.reward.PairScoreLoss;
import org.sparktune.trainer.objective.reward.PreferredScores;
import org.sparktune.trainer.objective.reward.RatedScores;
import org.sparktune.trainer.objective.reward.RewardObjective;
import org.sparktune.trainer.optim.Trainable;

/**
 * Reward models against {@code *ForSequenceClassification} on the tiny models: the first row of the
 * reference batch is chosen, the second rejected.
 */
class RewardParityTest {
  private static final double SCORE_TOLERANCE = 1e-5;
  private static final double GRADIENT_TOLERANCE = 1e-3;
  private static final RewardObjective PAIRS =
      new RewardObjective(new PreferredScores(new PairScoreLoss(0), false), OptionalInt.empty());

  @ParameterizedTest
  @CsvSource({
    "CPU_F32, llama3-tiny",
    "CPU_F32, qwen2-tiny",
    "CPU_F32, phi3-tiny",
    "PLAIN, qwen2-tiny"
  })
  void shouldGiveTheReferenceScoresLossAndGradients(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors expected = model.tensors("reward");
    Batch batch = model.batch().batch();
    try (Engine engine = kind.open();
        Arena arena = new Arena("score head");
        Decoder decoder = load(model, engine, new Tuning.Full(List.of(), true, true), arena)) {
      float[] scores = new ScoredDecoder(decoder, OptionalInt.empty()).opinions(batch);
      assertArrayEquals(expected.floats("rewards"), scores, (float) SCORE_TOLERANCE);

      DecoderTrainable trainable = new DecoderTrainable(decoder, PAIRS);
      Batch pair = documents(batch, 2, DocumentLabels.NONE);
      trainable.gradients().zero();
      Trainable.LossSum sum = trainable.accumulate(pair, 1);
      double loss = expected.floats("bt_loss")[0];
      assertEquals(loss, sum.sum(), SCORE_TOLERANCE * loss);
      assertEquals(1, sum.weight());
      assertEquals(scores[0], sum.figures().get(0), SCORE_TOLERANCE);
      assertEquals(scores[0] > scores[1] ? 1 : 0, sum.figures().get(2));
      assertEquals(sum, trainable.evaluate(pair), "evaluation runs the same kernels");
      assertGradient("score", expected.floats("score_grad"), gradient(decoder, "score.weight"));
      assertGradient(
          "embeddings",
          expected.floats("embed_grad"),
          gradient(decoder, "model.embed_tokens.weight"));
    }
  }

  @Test
  void shouldHaveTheSlopeOfTheLossInEveryFactor() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    DocumentLabels labels =
        new DocumentLabels(new float[0], new float[0], new float[] {0.7f, -0.4f, 1.1f});
    Batch batch = documents(model.batch().batch(), 3, labels);
    RewardObjective objective = new RewardObjective(new RatedScores(), OptionalInt.empty());
    try (Engine engine = EngineKind.CPU_F32.open();
        Arena arena = new Arena("score head");
        Decoder decoder = load(model, engine, new Tuning.Lora(adapter(), 3), arena)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder, objective);
      trainable.gradients().zero();
      trainable.accumulate(batch, 1);
      Tensor parameters = trainable.parameters();
      assertTrue(gradient(decoder, "score.weight")[0] != 0);
      for (var entry : trainable.layout().entries()) {
        float[] analytic = gradient(decoder, entry.name());
        double[] numeric = new double[3];
        double[] wanted = new double[3];
        for (int i = 0; i < 3; i++) {
          int element = i * (analytic.length - 1) / 2;
          long index = entry.offset() + element;
          float value = parameters.getFloat(index);
          float step = 1e-2f;
          double above = lossAt(trainable, batch, index, value + step);
          double below = lossAt(trainable, batch, index, value - step);
          lossAt(trainable, batch, index, value);
          numeric[i] = (above - below) / (2 * step);
          wanted[i] = analytic[element];
        }
        assertArrayEquals(numeric, wanted, 2e-3, entry.name());
      }
    }
  }

  @Test
  void shouldPassOverPaddingAsTransformersDoes() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Arena arena = new Arena("score head");
        Decoder decoder = load(model, engine, new Tuning.Nothing(true), arena)) {
      Batch whole = documents(model.batch().batch(), 1, DocumentLabels.NONE);
      int[] tokens = whole.tokens().clone();
      int last = tokens.length - 1;
      tokens[last] = 7;
      Batch padded = new Batch(tokens, whole.targets(), whole.documentStarts());
      int[] cut = Arrays.copyOf(tokens, last);
      Batch without = new Batch(cut, Arrays.copyOf(whole.targets(), last), new int[] {0, last});
      assertArrayEquals(
          new ScoredDecoder(decoder, OptionalInt.empty()).opinions(without),
          new ScoredDecoder(decoder, OptionalInt.of(7)).opinions(padded),
          1e-6f);
    }
  }

  @Test
  void shouldRefuseWhatHasNoScoreHead() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      assertThrows(SparktuneException.class, () -> new ScoredDecoder(decoder, OptionalInt.empty()));
    }
    try (Engine engine = EngineKind.CPU_F32.open()) {
      SparktuneException thrown =
          assertThrows(
              SparktuneException.class, () -> model.load(engine, new Tuning.Nothing(true)));
      assertTrue(thrown.getMessage().contains("no score head"), thrown.getMessage());
    }
  }

  @Test
  void shouldRefuseNextTokensOfARewardModel() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open();
        Arena arena = new Arena("score head");
        Decoder decoder = load(model, engine, new Tuning.Nothing(true), arena)) {
      Batch batch = model.batch().batch();
      assertThrows(SparktuneException.class, () -> decoder.scores(batch, Passage.PLAIN));
    }
  }

  private static LoraConfig adapter() {
    return new LoraConfig(
        2,
        4,
        0,
        new TargetModules.AllLinear(),
        false,
        false,
        Map.of(),
        Map.of(),
        List.of("score"),
        LoraConfig.Initialization.KAIMING_UNIFORM,
        List.of());
  }

  private static double lossAt(DecoderTrainable trainable, Batch batch, long index, float value) {
    trainable.parameters().setFloat(index, value);
    trainable.parametersChanged();
    return trainable.evaluate(batch).sum();
  }

  private static Decoder load(ReferenceModel model, Engine engine, Tuning tuning, Arena arena) {
    ReferenceTensors reward = model.tensors("reward");
    Tensor score = arena.allocate(DType.F32, reward.shape("score.weight"));
    reward.read("score.weight", score);
    ReplacedWeights weights =
        new ReplacedWeights(model.tensors("model"), Map.of("score.weight", score));
    return Decoder.load(model.config(), weights, engine, tuning);
  }

  private static Batch documents(Batch batch, int count, DocumentLabels labels) {
    int end = batch.documentStarts()[count];
    return new Batch(
        Arrays.copyOf(batch.tokens(), end),
        Arrays.copyOf(batch.targets(), end),
        Arrays.copyOf(batch.documentStarts(), count + 1),
        labels);
  }

  private static float[] gradient(Decoder decoder, String name) {
    return decoder.trained().gradient(name).toFloatArray();
  }

  private static void assertGradient(String name, float[] expected, float[] actual) {
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
    }
    assertTrue(
        difference <= GRADIENT_TOLERANCE * largest,
        "%s differs by %g where the largest is %g".formatted(name, difference, largest));
  }
}
