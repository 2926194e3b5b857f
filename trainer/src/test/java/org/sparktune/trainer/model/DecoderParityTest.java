package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.PlainEngine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.run.ParameterLayout;
import org.sparktune.trainer.run.Trainable;

/** The decoder against what transformers and PEFT computed in float32 on tiny models. */
class DecoderParityTest {
  private static final double LOGIT_TOLERANCE = 2e-4;
  private static final double LOSS_TOLERANCE = 1e-5;
  private static final double GRADIENT_TOLERANCE = 1e-3;

  private static Engine engine() {
    return new PlainEngine();
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheReferenceLogits(String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors reference = model.tensors("reference");
    try (Engine engine = engine();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      assertLogits(decoder, model.batch(), reference.floats("logits"));
      int[] packed = reference.ints("packed_ids");
      ReferenceModel.Unpadded documents =
          new ReferenceModel.Unpadded(
              new Batch(packed, ignored(packed.length), new int[] {0, 10, packed.length}),
              IntStream.range(0, packed.length).toArray());
      assertLogits(decoder, documents, reference.floats("packed_logits"));
    }
  }

  @Test
  void shouldChooseLongRopeFactorsByDocument() {
    ReferenceModel model = new ReferenceModel("phi3-longrope-tiny");
    ReferenceTensors reference = model.tensors("reference");
    int[] ids = reference.ints("input_ids");
    try (Engine engine = engine();
        Decoder decoder = model.load(engine, new Tuning.Nothing())) {
      int[] everything = IntStream.range(0, 48).toArray();
      assertLogits(
          decoder,
          new ReferenceModel.Unpadded(
              new Batch(ids, ignored(48), new int[] {0, 24, 48}), everything),
          reference.floats("logits_24"));
      int[] shortIds = new int[24];
      System.arraycopy(ids, 0, shortIds, 0, 12);
      System.arraycopy(ids, 24, shortIds, 12, 12);
      assertLogits(
          decoder,
          new ReferenceModel.Unpadded(
              new Batch(shortIds, ignored(24), new int[] {0, 12, 24}),
              IntStream.range(0, 24).toArray()),
          reference.floats("logits_12"));
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheReferenceGradientOfEveryParameter(String name) {
    ReferenceModel model = new ReferenceModel(name);
    try (Engine engine = engine();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      double loss = model.tensors("reference").floats("loss")[0];
      assertLossAndGradients(
          trainable, model.batch().batch(), loss, model.tensors("full_grads"), "");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheReferenceGradientOfEveryLoraFactor(String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors steps = model.tensors("lora_steps");
    try (Engine engine = engine()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      assertLogits(trainable.decoder(), model.batch(), steps.floats("logits"));
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
  @ValueSource(strings = {"lora-rs", "lora-dora", "lora-pattern", "lora-head"})
  void shouldGiveTheReferenceGradientOfEveryLoraVariant(String adapter) {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    ReferenceTensors expected = model.tensors(adapter + "/expected");
    try (Engine engine = engine()) {
      DecoderTrainable trainable = model.withAdapter(engine, adapter);
      assertLogits(trainable.decoder(), model.batch(), expected.floats("logits"));
      assertLossAndGradients(
          trainable, model.batch().batch(), expected.floats("loss")[0], expected, "grad.");
      trainable.decoder().close();
    }
  }

  private static void assertLogits(
      Decoder decoder, ReferenceModel.Unpadded documents, float[] expected) {
    int vocabulary = decoder.config().vocabularySize();
    int count = documents.paddedPositions().length;
    try (Arena arena = new Arena("logits")) {
      Tensor logits = arena.allocate(DType.F32, count, vocabulary);
      decoder.logits(documents.batch(), IntStream.range(0, count).toArray(), logits);
      for (int i = 0; i < count; i++) {
        for (int token = 0; token < vocabulary; token++) {
          assertEquals(
              expected[documents.paddedPositions()[i] * vocabulary + token],
              logits.getFloat((long) i * vocabulary + token),
              LOGIT_TOLERANCE,
              "token %d at position %d".formatted(token, i));
        }
      }
    }
  }

  private static void assertLossAndGradients(
      DecoderTrainable trainable,
      Batch batch,
      double expectedLoss,
      ReferenceTensors expected,
      String prefix) {
    int tokens = batch.validTokens();
    trainable.gradients().zero();
    Trainable.LossSum loss = trainable.accumulate(batch, 1.0 / tokens);
    assertEquals(tokens, loss.tokens());
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
      assertGradient(name, expected.floats(name), actual.toFloatArray());
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
    assertScores(steps.floats("dpo_policy_logps"), decoder.tokenLogProbs(batch, true), batch);
    assertScores(steps.floats("dpo_ref_logps"), decoder.tokenLogProbs(batch, false), batch);
  }

  private static void assertScores(float[] expected, float[] logProbs, Batch batch) {
    for (int document = 0; document < expected.length; document++) {
      double sum = 0;
      for (int i = batch.documentStarts()[document];
          i < batch.documentStarts()[document + 1];
          i++) {
        sum += logProbs[i];
      }
      assertEquals(expected[document], sum, LOSS_TOLERANCE * Math.abs(expected[document]));
    }
  }

  private static int[] ignored(int length) {
    int[] targets = new int[length];
    Arrays.fill(targets, Batch.IGNORED);
    return targets;
  }
}
