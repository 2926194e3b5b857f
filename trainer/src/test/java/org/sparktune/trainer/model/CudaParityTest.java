package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.sparktune.trainer.model.ParityAssertions.logits;

import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.Gpu;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientClipping;
import org.sparktune.trainer.optim.ParameterLayout;

/**
 * The CUDA engine against what transformers and PEFT computed: in F32 by the CPU engine's own tests
 * and bounds, in BF16 by relative norms.
 */
@Tag("gpu")
class CudaParityTest {
  private static final double HALF_TOLERANCE = 2e-2;
  private static final int CURVE_STEPS = 200;

  /**
   * Rounding weights and operands alone moves single gradients of these tiny models by up to 3.4e-2
   * (the CPU engine in BF16, whose activations are F32); of all gradients together, half of that.
   */
  private static final double HALF_TENSOR_TOLERANCE = 4e-2;

  @BeforeEach
  void requireGpu() {
    Gpu.require();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheReferenceLogitsAndGradients(String name) {
    DecoderParityTest parity = new DecoderParityTest();
    parity.shouldGiveTheReferenceLogits(EngineKind.CUDA_F32, name);
    parity.shouldGiveTheReferenceGradientOfEveryParameter(EngineKind.CUDA_F32, name);
    parity.shouldGiveTheReferenceGradientOfEveryLoraFactor(EngineKind.CUDA_F32, name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"lora-rs", "lora-dora", "lora-pattern", "lora-head"})
  void shouldGiveTheReferenceGradientOfEveryLoraVariant(String adapter) {
    new DecoderParityTest()
        .shouldGiveTheReferenceGradientOfEveryLoraVariant(EngineKind.CUDA_F32, adapter);
  }

  @ParameterizedTest
  @EnumSource(names = "CUDA_F32")
  void shouldChooseLongRopeFactorsByDocument(EngineKind kind) {
    new DecoderParityTest().shouldChooseLongRopeFactorsByDocument(kind);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldFollowTheReferenceCurves(String name) {
    DecoderStepsParityTest steps = new DecoderStepsParityTest();
    steps.shouldFollowTheReferenceCurveOfFullFineTuning(EngineKind.CUDA_F32, name);
    steps.shouldFollowTheReferenceCurveOfLora(EngineKind.CUDA_F32, name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheReferenceOfPreferences(String name) {
    new PreferenceParityTest().shouldGiveTheReferenceLossAndGradients(EngineKind.CUDA_F32, name);
  }

  @ParameterizedTest
  @EnumSource(names = {"CUDA_F32", "CUDA_BF16"})
  void shouldComputeThePromptOfAPairOnce(EngineKind kind) {
    SharedPromptsTest shared = new SharedPromptsTest();
    shared.shouldGiveTheScoresAndGradientsOfPromptsComputedTwice(kind, "qwen2-tiny", false);
    shared.shouldGiveTheScoresAndGradientsOfPromptsComputedTwice(kind, "llama3-tiny", true);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldContinueGreedilyAsTheReference(String name) {
    new GeneratorTest().shouldContinueGreedilyAsTheReference(EngineKind.CUDA_F32, name);
  }

  @ParameterizedTest
  @EnumSource(names = {"CUDA_F32", "CUDA_BF16"})
  void shouldTrainOnFewBitsAsOnTheDecodedValues(EngineKind kind) {
    QuantizedBaseTest quantized = new QuantizedBaseTest();
    quantized.shouldTrainAsOnTheDecodedValues(kind, false, true);
    quantized.shouldTrainAsOnTheDecodedValues(kind, true, false);
  }

  /** In F32 the base is decoded; in BF16 both operands have 3 bits of mantissa. */
  @Test
  void shouldStayNearBf16WithOperandsOfEightBits() {
    double[] moves = QuantizedBaseTest.moveOfEightBits(EngineKind.CUDA_BF16);
    assertTrue(moves[0] < 2e-2, "the loss moves by " + moves[0]);
    assertTrue(moves[1] < 0.15, "the gradients move by " + moves[1]);
    new QuantizedBaseTest().shouldTrainOnEightBitsAsOnTheDecodedValues(EngineKind.CUDA_F32);
  }

  @ParameterizedTest
  @EnumSource(names = {"CUDA_F32", "CUDA_BF16"})
  void shouldGenerateTogetherWhatItGeneratesAlone(EngineKind kind) {
    new GeneratorTest().shouldGenerateTogetherWhatItGeneratesAlone(kind);
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldComeNearTheReferenceInHalfPrecision(String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors steps = model.tensors("lora_steps");
    ReferenceModel.Unpadded batch = model.batch();
    try (Engine engine = EngineKind.CUDA_BF16.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      int vocabulary = trainable.decoder().config().vocabularySize();
      float[] padded = steps.floats("logits");
      float[] expected = new float[batch.paddedPositions().length * vocabulary];
      for (int i = 0; i < batch.paddedPositions().length; i++) {
        System.arraycopy(
            padded, batch.paddedPositions()[i] * vocabulary, expected, i * vocabulary, vocabulary);
      }
      double distance = distance(expected, logits(trainable.decoder(), batch.batch()));
      System.out.printf("%s: logits off by %.2e%n", name, distance);
      assertTrue(distance <= HALF_TOLERANCE, "the logits are off by %.2e".formatted(distance));
      assertGradients(name + ", LoRA", trainable, batch.batch(), model.tensors("lora_grads"));
      trainable.decoder().close();
    }
    try (Engine engine = EngineKind.CUDA_BF16.open();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      assertGradients(
          name + ", full",
          new DecoderTrainable(decoder),
          batch.batch(),
          model.tensors("full_grads"));
    }
  }

  @ParameterizedTest
  @CsvSource({"CUDA_F32, qwen2-tiny", "CUDA_BF16, qwen2-tiny", "CUDA_BF16, llama3-tiny"})
  void shouldGiveTheSameBitsTwice(EngineKind kind, String name) {
    float[] first = gradients(kind, name);
    assertArrayEquals(first, gradients(kind, name));
  }

  /** Each token is followed by one of four, so that the loss goes from ln V towards ln 4. */
  @ParameterizedTest
  @ValueSource(strings = {"qwen2-tiny", "llama3-tiny"})
  void shouldFollowTheSameCurveInHalfPrecision(String name) {
    double[] single = curve(EngineKind.CUDA_F32, name);
    double[] half = curve(EngineKind.CUDA_BF16, name);
    double worst = 0;
    for (int i = 0; i < single.length; i++) {
      worst = Math.max(worst, Math.abs(half[i] - single[i]) / single[i]);
    }
    System.out.printf(
        "%s: loss %.4f to %.4f in F32, to %.4f in BF16, curves off by at most %.2e%n",
        name, single[0], single[single.length - 1], half[half.length - 1], worst);
    assertTrue(single[single.length - 1] < 0.5 * single[0], "nothing was learned");
    assertTrue(worst <= 1e-2, "the curves are off by %.2e".formatted(worst));
  }

  private static double[] curve(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    double[] losses = new double[CURVE_STEPS];
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      SplittableRandom random = new SplittableRandom(4);
      try (AdamW optimizer = new AdamW(trainable.layout(), AdamWOptions.DEFAULTS, engine)) {
        for (int step = 0; step < CURVE_STEPS; step++) {
          Batch batch = chain(random, decoder.config().vocabularySize());
          int tokens = batch.validTokens();
          engine.zero(trainable.gradients());
          losses[step] = trainable.accumulate(batch, 1.0 / tokens).sum() / tokens;
          double norm = Math.sqrt(engine.squaredNorm(trainable.gradients()));
          double factor = GradientClipping.factor(1.0, norm);
          optimizer.step(trainable.parameters(), trainable.gradients(), 3e-3, factor);
          trainable.parametersChanged();
        }
      }
    }
    return losses;
  }

  private static Batch chain(SplittableRandom random, int vocabulary) {
    int[] tokens = new int[1024];
    int[] targets = new int[tokens.length];
    int[] starts = {0, 256, 300, 512, 1024};
    tokens[0] = 1;
    for (int i = 0; i < tokens.length; i++) {
      int next = (7 * tokens[i] + 3 + random.nextInt(4)) % vocabulary;
      targets[i] = next;
      if (i + 1 < tokens.length) {
        tokens[i + 1] = next;
      }
    }
    return new Batch(tokens, targets, starts);
  }

  private static float[] gradients(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    Batch batch = model.batch().batch();
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      engine.zero(trainable.gradients());
      trainable.accumulate(batch, 1.0 / batch.validTokens());
      return engine.toArray(trainable.gradients());
    }
  }

  private static void assertGradients(
      String name, DecoderTrainable trainable, Batch batch, ReferenceTensors expected) {
    trainable.vectors().zero(trainable.gradients());
    trainable.accumulate(batch, 1.0 / batch.validTokens());
    float[] all = trainable.vectors().toArray(trainable.gradients());
    float[] allExpected = new float[all.length];
    double worst = 0;
    for (ParameterLayout.Entry entry : trainable.layout().entries()) {
      int from = Math.toIntExact(entry.offset());
      int to = from + Math.toIntExact(entry.size());
      float[] own = expected.floats(entry.name());
      System.arraycopy(own, 0, allExpected, from, own.length);
      double distance = distance(own, Arrays.copyOfRange(all, from, to));
      worst = Math.max(worst, distance);
      assertTrue(
          distance <= HALF_TENSOR_TOLERANCE,
          "%s is off by %.2e of its norm".formatted(entry.name(), distance));
    }
    double together = distance(allExpected, all);
    System.out.printf("%s: gradients off by %.2e, at worst %.2e%n", name, together, worst);
    assertTrue(
        together <= HALF_TOLERANCE,
        "the gradients are off by %.2e of their norm".formatted(together));
  }

  /** The norm of the difference relative to the expected one's. */
  private static double distance(float[] expected, float[] actual) {
    double difference = 0;
    double norm = 0;
    for (int i = 0; i < expected.length; i++) {
      difference += Math.pow((double) expected[i] - actual[i], 2);
      norm += (double) expected[i] * expected[i];
    }
    return Math.sqrt(difference / norm);
  }
}
