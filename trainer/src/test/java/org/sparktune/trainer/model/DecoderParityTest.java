package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.sparktune.trainer.model.ParityAssertions.LOGIT_TOLERANCE;
import static org.sparktune.trainer.model.ParityAssertions.assertLogits;
import static org.sparktune.trainer.model.ParityAssertions.untargeted;

import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/** The decoder against what transformers and PEFT computed in float32 on tiny models. */
class DecoderParityTest {
  private static final double LOSS_TOLERANCE = 1e-5;
  private static final double GRADIENT_TOLERANCE = 1e-3;

  private static Stream<Arguments> models() {
    return Stream.of(
        Arguments.of(EngineKind.PLAIN, "qwen3-tiny"),
        Arguments.of(EngineKind.CPU_F32, "llama3-tiny"),
        Arguments.of(EngineKind.CPU_F32, "qwen2-tiny"),
        Arguments.of(EngineKind.CPU_F32, "phi3-tiny"),
        Arguments.of(EngineKind.CPU_F32, "qwen3-tiny"));
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldGiveTheReferenceLogits(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors reference = model.tensors("reference");
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      assertLogits(decoder, model.batch(), reference.floats("logits"), LOGIT_TOLERANCE);
      ReferenceModel.Unpadded packed = untargeted(reference.ints("packed_ids"), 0, 10, 24);
      assertLogits(decoder, packed, reference.floats("packed_logits"), LOGIT_TOLERANCE);
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"PLAIN", "CPU_F32"})
  void shouldChooseLongRopeFactorsByDocument(EngineKind kind) {
    ReferenceModel model = new ReferenceModel("phi3-longrope-tiny");
    ReferenceTensors reference = model.tensors("reference");
    int[] ids = reference.ints("input_ids");
    int[] shortIds = new int[24];
    System.arraycopy(ids, 0, shortIds, 0, 12);
    System.arraycopy(ids, 24, shortIds, 12, 12);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      float[] whole = reference.floats("logits_24");
      assertLogits(decoder, untargeted(ids, 0, 24, 48), whole, LOGIT_TOLERANCE);
      float[] half = reference.floats("logits_12");
      assertLogits(decoder, untargeted(shortIds, 0, 12, 24), half, LOGIT_TOLERANCE);
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldGiveTheReferenceGradientOfEveryParameter(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      double loss = model.tensors("reference").floats("loss")[0];
      assertLossAndGradients(
          trainable, model.batch().batch(), loss, model.tensors("full_grads"), "");
    }
  }

  @ParameterizedTest
  @MethodSource("models")
  void shouldGiveTheReferenceGradientOfEveryLoraFactor(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors steps = model.tensors("lora_steps");
    try (Engine engine = kind.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      assertLogits(trainable.decoder(), model.batch(), steps.floats("logits"), LOGIT_TOLERANCE);
      assertLossAndGradients(
          trainable,
          model.batch().batch(),
          steps.floats("loss")[0],
          model.tensors("lora_grads"),
          "");
      assertSequenceScores(trainable.decoder(), model.batch().batch(), steps);
      trainable.decoder().close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "CPU_F32, lora-rs",
    "CPU_F32, lora-dora",
    "CPU_F32, lora-pattern",
    "CPU_F32, lora-head",
    "PLAIN, lora-dora"
  })
  void shouldGiveTheReferenceGradientOfEveryLoraVariant(EngineKind kind, String adapter) {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    ReferenceTensors expected = model.tensors(adapter + "/expected");
    try (Engine engine = kind.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, adapter);
      assertLogits(trainable.decoder(), model.batch(), expected.floats("logits"), LOGIT_TOLERANCE);
      assertLossAndGradients(
          trainable, model.batch().batch(), expected.floats("loss")[0], expected, "grad.");
      trainable.decoder().close();
    }
  }

  private static void assertLossAndGradients(
      DecoderTrainable trainable,
      Batch batch,
      double expectedLoss,
      ReferenceTensors expected,
      String prefix) {
    int tokens = batch.validTokens();
    trainable.vectors().zero(trainable.gradients());
    Trainable.LossSum loss = trainable.accumulate(batch, 1.0 / tokens);
    assertEquals(tokens, loss.weight());
    assertEquals(expectedLoss, loss.sum() / tokens, LOSS_TOLERANCE * expectedLoss);
    Trainable.LossSum evaluated = trainable.evaluate(batch);
    assertEquals(loss.sum(), evaluated.sum(), LOSS_TOLERANCE * loss.sum());
    List<String> expectedNames = new ArrayList<>(expected.names());
    expectedNames.removeIf(name -> !name.startsWith(prefix));
    List<String> names = new ArrayList<>();
    for (ParameterLayout.Entry entry : trainable.layout().entries()) {
      String name = expectedName(expected, prefix + entry.name());
      names.add(name);
      Tensor actual = trainable.gradients().view(entry.offset(), entry.size());
      assertGradient(name, expected.floats(name), trainable.vectors().toArray(actual));
    }
    assertEquals(new TreeSet<>(expectedNames), new TreeSet<>(names));
  }

  /** PEFT names a gradient by its place in the module tree, a little unlike the saved tensor. */
  private static String expectedName(ReferenceTensors expected, String name) {
    if (expected.has(name)) {
      return name;
    }
    String magnitude = name + ".weight";
    return expected.has(magnitude)
        ? magnitude
        : name.replace("lm_head.weight", "lm_head.modules_to_save.weight");
  }

  private static void assertGradient(String name, float[] expected, float[] actual) {
    assertEquals(expected.length, actual.length, name);
    double largest = 0;
    double difference = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs(expected[i]));
      difference = Math.max(difference, Math.abs(expected[i] - actual[i]));
    }
    assertTrue(
        difference <= GRADIENT_TOLERANCE * largest,
        "%s differs by %s where its largest entry is %s".formatted(name, difference, largest));
  }

  private static void assertSequenceScores(Decoder decoder, Batch batch, ReferenceTensors steps) {
    assertScores(steps.floats("dpo_policy_logps"), decoder.scores(batch, Passage.PLAIN), batch);
    assertScores(steps.floats("dpo_ref_logps"), decoder.scores(batch, Passage.BASE), batch);
  }

  private static void assertScores(float[] expected, float[] logProbs, Batch batch) {
    int target = 0;
    for (int document = 0; document < expected.length; document++) {
      double sum = 0;
      for (int i = batch.documentStarts()[document];
          i < batch.documentStarts()[document + 1];
          i++) {
        sum += batch.targets()[i] == Batch.IGNORED ? 0 : logProbs[target++];
      }
      assertEquals(expected[document], sum, LOSS_TOLERANCE * Math.abs(expected[document]));
    }
  }
}
