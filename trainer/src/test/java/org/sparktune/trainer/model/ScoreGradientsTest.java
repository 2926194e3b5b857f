package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.GradientListener;

/** The slopes of log-probabilities, values and entropy at a temperature, by small differences. */
class ScoreGradientsTest {
  private static final double STEP = 1e-3;
  private static final Passage PASSAGE = Passage.PLAIN.at(0.7);

  @ParameterizedTest
  @CsvSource({"1, 0, 0", "0, 1, 0", "0, 0, 1", "1, 0.5, -0.3"})
  void shouldBeTheSlopes(double ofLogProbs, double ofValues, double ofEntropy) {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    Batch batch = model.batch().batch();
    LoraConfig lora = LoraConfig.of(4, 8, new TargetModules.AllLinear());
    try (Engine engine = EngineKind.PLAIN.open();
        Decoder decoder = model.load(engine, new Tuning.Lora(lora, 1, true))) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      Random random = new Random(4);
      int size = (int) trainable.parameters().size();
      float[] start = random(random, size, 0.1);
      float[] direction = random(random, size, 1);
      float[] byLogProb = random(random, batch.validTokens(), ofLogProbs);
      float[] byValue = random(random, batch.validTokens(), ofValues);
      Loss loss = new Loss(trainable, batch, byLogProb, byValue, ofEntropy);

      set(trainable, start, direction, 0);
      decoder.scoresForGradient(batch, PASSAGE);
      decoder.valuesForGradient(PASSAGE);
      decoder.scoresGradient(
          batch,
          new ScoreGradients(byLogProb, byValue, (float) ofEntropy),
          PASSAGE,
          GradientListener.NONE);
      float[] gradient = trainable.gradients().toFloatArray();
      double slope = 0;
      for (int i = 0; i < size; i++) {
        slope += (double) gradient[i] * direction[i];
      }

      set(trainable, start, direction, STEP);
      double above = loss.value();
      set(trainable, start, direction, -STEP);
      double below = loss.value();
      double expected = (above - below) / (2 * STEP);
      assertEquals(expected, slope, 2e-2 * Math.abs(expected) + 1e-2);
    }
  }

  /** What the gradient is the gradient of. */
  private record Loss(
      DecoderTrainable trainable,
      Batch batch,
      float[] byLogProb,
      float[] byValue,
      double ofEntropy) {

    double value() {
      Decoder decoder = trainable.decoder();
      float[] logProbs = decoder.scoresForGradient(batch, PASSAGE);
      float[] values = decoder.valuesForGradient(PASSAGE);
      double sum = 0;
      for (int i = 0; i < logProbs.length; i++) {
        sum += (double) byLogProb[i] * logProbs[i] + (double) byValue[i] * values[i];
      }
      return ofEntropy == 0 ? sum : sum + ofEntropy * entropy(decoder);
    }

    private double entropy(Decoder decoder) {
      int vocabulary = decoder.config().vocabularySize();
      int[] positions = new int[batch.validTokens()];
      int count = 0;
      for (int i = 0; i < batch.targets().length; i++) {
        if (batch.targets()[i] != Batch.IGNORED) {
          positions[count++] = i;
        }
      }
      double sum = 0;
      try (Arena arena = new Arena("logits")) {
        Tensor logits = arena.allocate(DType.F32, count, vocabulary);
        decoder.logits(batch, positions, logits);
        float[] all = logits.toFloatArray();
        for (int row = 0; row < count; row++) {
          double partition = 0;
          double weighted = 0;
          for (int token = 0; token < vocabulary; token++) {
            double logit = all[row * vocabulary + token] / 0.7;
            partition += Math.exp(logit);
            weighted += logit * Math.exp(logit);
          }
          sum += Math.log(partition) - weighted / partition;
        }
      }
      return sum;
    }
  }

  private static float[] random(Random random, int count, double scale) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) (scale * random.nextGaussian());
    }
    return values;
  }

  private static void set(
      DecoderTrainable trainable, float[] start, float[] direction, double step) {
    float[] values = new float[start.length];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (start[i] + step * direction[i]);
    }
    trainable.parameters().set(values);
    trainable.parametersChanged();
  }
}
