package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.objective.dpo.JudgedLoss;
import org.sparktune.trainer.objective.dpo.JudgedObjective;
import org.sparktune.trainer.optim.Trainable;

/** KTO on the tiny models, beside its formula written out, and beside differences of its loss. */
class JudgedObjectiveTest {
  private static final double BETA = 0.1;
  private static final JudgedLoss LOSS = new JudgedLoss(BETA, 1.25, 0.75);
  private static final float[] LABELS = {1, 0, 1};

  @ParameterizedTest
  @ValueSource(strings = {"llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny"})
  void shouldGiveTheLossAndTheGradientOfTheFormula(String name) {
    ReferenceModel model = new ReferenceModel(name);
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable =
          new DecoderTrainable(
              model.withAdapter(engine, "lora").decoder(), new JudgedObjective(LOSS, 0.5, 64));
      Batch batch = judged(model.batch().batch(), LABELS);
      final double point = referencePoint(trainable.decoder(), batch);

      trainable.vectors().zero(trainable.gradients());
      Trainable.LossSum sum = trainable.accumulate(batch, 1);
      assertEquals(3, sum.weight());
      assertEquals(loss(trainable.decoder(), batch, point), sum.sum(), 1e-6);
      assertEquals(2, sum.figures().get(1), "desirable");
      assertEquals(3 * point, sum.figures().get(2), 1e-5);
      assertEquals(sum, trainable.evaluate(batch), "evaluation runs the same kernels");

      float[] gradient = trainable.vectors().toArray(trainable.gradients());
      float[] start = trainable.vectors().toArray(trainable.parameters());
      double norm = 0;
      for (float value : gradient) {
        norm += (double) value * value;
      }
      double step = 0.02 / Math.sqrt(norm);
      // The point is held where it was: no gradient flows through it.
      move(trainable, start, gradient, step);
      double above = loss(trainable.decoder(), batch, point);
      move(trainable, start, gradient, -step);
      double below = loss(trainable.decoder(), batch, point);
      assertEquals(norm, (above - below) / (2 * step), 0.02 * norm);
      trainable.decoder().close();
    }
  }

  private static void move(DecoderTrainable model, float[] start, float[] along, double step) {
    float[] moved = new float[start.length];
    for (int i = 0; i < moved.length; i++) {
      moved[i] = (float) (start[i] + step * along[i]);
    }
    model.vectors().set(model.parameters(), moved);
    model.parametersChanged();
  }

  private static Batch judged(Batch batch, float[] labels) {
    DocumentLabels known = new DocumentLabels(new float[0], new float[0], labels);
    return new Batch(batch.tokens(), batch.targets(), batch.documentStarts(), known);
  }

  private static double loss(Decoder decoder, Batch batch, double point) {
    double sum = 0;
    for (int document = 0; document < batch.documents(); document++) {
      double ratio = logRatio(decoder, document(batch, document));
      boolean good = LABELS[document] == 1;
      double exponent = BETA * (good ? point - ratio : ratio - point);
      sum += (good ? 1.25 : 0.75) * (1 - 1 / (1 + Math.exp(exponent)));
    }
    return sum;
  }

  /** Every prompt with the completion before it, each in a pass of its own. */
  private static double referencePoint(Decoder decoder, Batch batch) {
    double sum = 0;
    for (int document = 0; document < batch.documents(); document++) {
      Batch asked = document(batch, document);
      Batch said = document(batch, (document + batch.documents() - 1) % batch.documents());
      int prompt = prompt(asked);
      int skipped = prompt(said);
      int length = prompt + said.tokens().length - skipped;
      int[] tokens = Arrays.copyOf(asked.tokens(), length);
      int[] targets = new int[length];
      Arrays.fill(targets, Batch.IGNORED);
      for (int i = prompt; i < length; i++) {
        tokens[i] = said.tokens()[skipped + i - prompt];
        targets[i - 1] = tokens[i];
      }
      sum += logRatio(decoder, new Batch(tokens, targets, new int[] {0, length}));
    }
    return Math.max(0, sum / batch.documents());
  }

  private static int prompt(Batch document) {
    int prompt = 1;
    while (document.targets()[prompt - 1] == Batch.IGNORED) {
      prompt++;
    }
    return prompt;
  }

  private static Batch document(Batch batch, int document) {
    int from = batch.documentStarts()[document];
    int to = batch.documentStarts()[document + 1];
    return new Batch(
        Arrays.copyOfRange(batch.tokens(), from, to),
        Arrays.copyOfRange(batch.targets(), from, to),
        new int[] {0, to - from});
  }

  private static double logRatio(Decoder decoder, Batch document) {
    float[] policy = decoder.scores(document, Passage.PLAIN);
    float[] reference = decoder.scores(document, Passage.BASE);
    double sum = 0;
    for (int i = 0; i < policy.length; i++) {
      sum += (double) policy[i] - reference[i];
    }
    return sum;
  }

  @Test
  void shouldHaveNoReferencePointAlone() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable =
          new DecoderTrainable(
              model.withAdapter(engine, "lora").decoder(), new JudgedObjective(LOSS, 0, 64));
      Batch alone = judged(document(model.batch().batch(), 0), new float[] {1});
      assertEquals(0, trainable.evaluate(alone).figures().get(2));
      trainable.decoder().close();
    }
  }

  @Test
  void shouldRefuseDocumentsWithoutLabelsOrTargets() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable =
          new DecoderTrainable(
              model.withAdapter(engine, "lora").decoder(), new JudgedObjective(LOSS, 0, 64));
      Batch batch = model.batch().batch();
      SparktuneException unlabelled =
          assertThrows(SparktuneException.class, () -> trainable.evaluate(batch));
      assertTrue(unlabelled.getMessage().contains("0 labels"), unlabelled::getMessage);
      Batch silent = judged(batch, LABELS);
      Arrays.fill(silent.targets(), 0, batch.documentStarts()[1], Batch.IGNORED);
      assertThrows(SparktuneException.class, () -> trainable.evaluate(silent));
      assertArrayEquals(LABELS, silent.labels().scores());
      trainable.decoder().close();
    }
  }
}
