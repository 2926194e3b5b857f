package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.objective.dpo.PreferenceLoss;
import org.sparktune.trainer.objective.dpo.PreferenceObjective;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

/** DPO on the tiny models: the first row of the reference batch is chosen, the second rejected. */
class PreferenceParityTest {
  private static final double LOSS_TOLERANCE = 1e-5;
  private static final double GRADIENT_TOLERANCE = 1e-3;
  private static final PreferenceObjective OBJECTIVE =
      new PreferenceObjective(new PreferenceLoss.Sigmoid(0.1, 0), false);

  @ParameterizedTest
  @CsvSource({
    "CPU_F32, llama3-tiny",
    "CPU_F32, qwen2-tiny",
    "CPU_F32, phi3-tiny",
    "CPU_F32, qwen3-tiny"
  })
  void shouldGiveTheReferenceLossAndGradients(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    ReferenceTensors steps = model.tensors("lora_steps");
    ReferenceTensors gradients = model.tensors("dpo_lora_grads");
    try (Engine engine = kind.open()) {
      DecoderTrainable sft = model.withAdapter(engine, "lora");
      DecoderTrainable trainable = new DecoderTrainable(sft.decoder(), OBJECTIVE);
      Batch pair = pair(model.batch().batch(), DocumentLabels.NONE);
      trainable.vectors().zero(trainable.gradients());
      Trainable.LossSum sum = trainable.accumulate(pair, 1);
      assertEquals(1, sum.weight());
      double expected = steps.floats("dpo_loss")[0];
      assertEquals(expected, sum.sum(), LOSS_TOLERANCE * expected);
      for (ParameterLayout.Entry entry : trainable.layout().entries()) {
        Tensor actual = trainable.gradients().view(entry.offset(), entry.size());
        float[] values = trainable.vectors().toArray(actual);
        assertGradient(entry.name(), gradients.floats(entry.name()), values);
      }
      assertEquals(gradients.names().size(), trainable.layout().entries().size());

      double[] policy = doubles(steps.floats("dpo_policy_logps"));
      double[] reference = doubles(steps.floats("dpo_ref_logps"));
      List<Double> figures = sum.figures();
      double chosen = 0.1 * (policy[0] - reference[0]);
      double rejected = 0.1 * (policy[1] - reference[1]);
      assertEquals(chosen, figures.get(0), 1e-4);
      assertEquals(rejected, figures.get(1), 1e-4);
      assertEquals(chosen > rejected ? 1 : 0, figures.get(2));
      assertEquals(chosen - rejected, figures.get(3), 2e-4);
      assertEquals(sum, trainable.evaluate(pair), "evaluation runs the same kernels");
      trainable.decoder().close();
    }
  }

  @Test
  void shouldTakeTheReferenceFromTheLabels() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    float[] reference = model.tensors("lora_steps").floats("dpo_ref_logps");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable sft = model.withAdapter(engine, "lora");
      DecoderTrainable trainable = new DecoderTrainable(sft.decoder(), OBJECTIVE);
      DocumentLabels labels =
          new DocumentLabels(new float[0], new float[] {reference[0], reference[1]}, new float[0]);
      double expected = model.tensors("lora_steps").floats("dpo_loss")[0];
      double loss = trainable.evaluate(pair(model.batch().batch(), labels)).sum();
      assertEquals(expected, loss, LOSS_TOLERANCE * expected);
      trainable.decoder().close();
    }
  }

  @Test
  void shouldRefuseACompletionWithoutTokens() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable sft = model.withAdapter(engine, "lora");
      DecoderTrainable trainable = new DecoderTrainable(sft.decoder(), OBJECTIVE);
      Batch pair = pair(model.batch().batch(), DocumentLabels.NONE);
      Arrays.fill(pair.targets(), pair.documentStarts()[1], pair.tokens().length, Batch.IGNORED);
      assertThrows(SparktuneException.class, () -> trainable.evaluate(pair));
      trainable.decoder().close();
    }
  }

  private static Batch pair(Batch batch, DocumentLabels labels) {
    int end = batch.documentStarts()[2];
    return new Batch(
        Arrays.copyOf(batch.tokens(), end),
        Arrays.copyOf(batch.targets(), end),
        Arrays.copyOf(batch.documentStarts(), 3),
        labels);
  }

  private static double[] doubles(float[] values) {
    double[] doubles = new double[values.length];
    for (int i = 0; i < values.length; i++) {
      doubles[i] = values[i];
    }
    return doubles;
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
