package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.VectorOperators;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientClipping;

/** Five AdamW steps against PyTorch's: losses, gradient norms and the logits that come of them. */
class DecoderStepsParityTest {
  private static final int STEPS = 5;
  private static final double TOLERANCE = 1e-4;

  /** AdamW divides by the gradient's size, so that rounding grows with every step. */
  private static final double LOGIT_TOLERANCE = 1e-3;

  private static final AdamWOptions OPTIONS = new AdamWOptions(0.9, 0.999, 1e-8, 0.01);

  @ParameterizedTest
  @CsvSource({
    "CPU_F32, llama3-tiny",
    "CPU_F32, qwen2-tiny",
    "CPU_F32, phi3-tiny",
    "CPU_F32, qwen3-tiny"
  })
  void shouldFollowTheReferenceCurveOfFullFineTuning(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, Tuning.Full.everything())) {
      assertCurve(model, new DecoderTrainable(decoder), 1e-3, model.tensors("full_steps"));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "CPU_F32, llama3-tiny",
    "CPU_F32, qwen2-tiny",
    "CPU_F32, phi3-tiny",
    "CPU_F32, qwen3-tiny"
  })
  void shouldFollowTheReferenceCurveOfLora(EngineKind kind, String name) {
    ReferenceModel model = new ReferenceModel(name);
    try (Engine engine = kind.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      assertCurve(model, trainable, 1e-2, model.tensors("lora_steps"));
      trainable.decoder().close();
    }
  }

  private static void assertCurve(
      ReferenceModel model,
      DecoderTrainable trainable,
      double learningRate,
      ReferenceTensors expected) {
    ReferenceModel.Unpadded batch = model.batch();
    int tokens = batch.batch().validTokens();
    float[] losses = expected.floats("losses");
    float[] norms = expected.floats("grad_norms");
    VectorOperators vectors = trainable.vectors();
    try (AdamW optimizer = new AdamW(trainable.layout(), OPTIONS, vectors)) {
      for (int step = 0; step < STEPS; step++) {
        vectors.zero(trainable.gradients());
        double loss = trainable.accumulate(batch.batch(), 1.0 / tokens).sum() / tokens;
        double norm = Math.sqrt(vectors.squaredNorm(trainable.gradients()));
        assertEquals(losses[step], loss, TOLERANCE * losses[step], "loss of step " + step);
        assertEquals(norms[step], norm, TOLERANCE * norms[step], "norm of step " + step);
        double factor = GradientClipping.factor(1.0, norm);
        optimizer.step(trainable.parameters(), trainable.gradients(), learningRate, factor);
        trainable.parametersChanged();
      }
    }
    ParityAssertions.assertLogits(
        trainable.decoder(), batch, expected.floats("logits_after"), LOGIT_TOLERANCE);
  }
}
