package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.ParameterLayout;
import org.sparktune.trainer.optim.Trainable;

class DecoderTrainableTest {
  private static final LoraConfig ALL_LINEAR = LoraConfig.of(4, 8, new TargetModules.AllLinear());

  @ParameterizedTest
  @EnumSource(names = {"CPU_F32", "CPU_BF16"})
  void shouldGiveTheSameBitsForTheSameBatch(EngineKind kind) {
    ReferenceModel model = new ReferenceModel("qwen3-tiny");
    Batch batch = model.batch().batch();
    try (Engine engine = kind.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      Trainable.LossSum first = trainable.accumulate(batch, 0.1);
      float[] gradients = trainable.gradients().toFloatArray();
      trainable.accumulate(
          new Batch(new int[] {3, 4, 5}, new int[] {4, 5, Batch.IGNORED}, new int[] {0, 3}), 1);
      trainable.gradients().zero();
      assertEquals(first, trainable.accumulate(batch, 0.1));
      assertArrayEquals(gradients, trainable.gradients().toFloatArray());
      trainable.decoder().close();
    }
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU_F32", "CPU_BF16"})
  void shouldTellWhichGradientsAreCompleteWhileItStillWorks(EngineKind kind) {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = kind.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      List<Long> offsets = new ArrayList<>();
      List<float[]> complete = new ArrayList<>();
      long size = trainable.layout().size();
      trainable.accumulate(
          model.batch().batch(),
          0.1,
          offset -> {
            offsets.add(offset);
            complete.add(trainable.gradients().view(offset, size - offset).toFloatArray());
          });
      assertTrue(offsets.size() > 2, offsets.toString());
      assertEquals(0, offsets.get(offsets.size() - 1));
      long previous = size;
      for (int i = 0; i < offsets.size(); i++) {
        long offset = offsets.get(i);
        assertTrue(offset <= previous, offsets.toString());
        previous = offset;
        assertArrayEquals(
            trainable.gradients().view(offset, size - offset).toFloatArray(), complete.get(i));
      }
      assertTrue(offsets.get(0) > 0 && offsets.get(0) < size, offsets.toString());
      trainable.decoder().close();
    }
  }

  @Test
  void shouldStayNearTheReferenceInBf16() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    Batch batch = model.batch().batch();
    double expected = model.tensors("lora_steps").floats("loss")[0];
    ReferenceTensors gradients = model.tensors("lora_grads");
    try (Engine engine = EngineKind.CPU_BF16.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      double tokens = batch.validTokens();
      double loss = trainable.accumulate(batch, 1 / tokens).sum() / tokens;
      assertEquals(expected, loss, 0.02 * expected);
      for (ParameterLayout.Entry entry : trainable.layout().entries()) {
        float[] actual = trainable.gradients().view(entry.offset(), entry.size()).toFloatArray();
        assertTrue(cosine(gradients.floats(entry.name()), actual) > 0.995, entry.name());
      }
      trainable.decoder().close();
    }
  }

  @Test
  void shouldAddNothingForABatchWithoutTargets() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      Batch batch =
          new Batch(new int[] {3, 4}, new int[] {Batch.IGNORED, Batch.IGNORED}, new int[] {0, 2});
      assertEquals(new Trainable.LossSum(-0.0, 0), trainable.accumulate(batch, 1));
      for (float gradient : trainable.gradients().toFloatArray()) {
        assertEquals(0, gradient);
      }
      trainable.decoder().close();
    }
  }

  @Test
  void shouldStartAsTheBaseModelAndFromTheSeed() {
    ReferenceModel model = new ReferenceModel("phi3-tiny");
    Batch batch = model.batch().batch();
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder base = model.load(engine, new Tuning.Nothing());
        Decoder seven = model.load(engine, new Tuning.Lora(ALL_LINEAR, 7));
        Decoder again = model.load(engine, new Tuning.Lora(ALL_LINEAR, 7));
        Decoder eight = model.load(engine, new Tuning.Lora(ALL_LINEAR, 8))) {
      assertArrayEquals(base.scores(batch, Passage.PLAIN), seven.scores(batch, Passage.PLAIN));
      float[] values = seven.trained().values().toFloatArray();
      assertArrayEquals(values, again.trained().values().toFloatArray());
      assertNotEquals(values[0], eight.trained().values().getFloat(0));
      Tensor down = seven.trained().value("model.layers.0.self_attn.qkv_proj.lora_A.weight");
      double bound = 1 / Math.sqrt(96);
      double largest = 0;
      for (float value : down.toFloatArray()) {
        largest = Math.max(largest, Math.abs(value));
      }
      assertTrue(largest <= bound && largest > 0.9 * bound);
    }
  }

  /** The gradient under dropout, against central differences with the same mask. */
  @Test
  void shouldDifferentiateThroughDropout() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    LoraConfig plain = model.loraConfig("lora");
    LoraConfig config =
        new LoraConfig(
            plain.rank(),
            plain.alpha(),
            0.3,
            plain.targets(),
            false,
            false,
            Map.of(),
            Map.of(),
            List.of(),
            LoraConfig.Initialization.GAUSSIAN,
            List.of());
    Batch batch = model.batch().batch();
    Passage passage = new Passage(true, 0.3f, 99);
    try (Engine engine = EngineKind.PLAIN.open();
        Decoder decoder = model.load(engine, new Tuning.Lora(config, 5))) {
      Tensor values = decoder.trained().values();
      SplittableRandom random = new SplittableRandom(3);
      for (long i = 0; i < values.size(); i++) {
        values.setFloat(i, (float) (random.nextGaussian() * 0.1));
      }
      decoder.logProbsAndGradient(batch, 1, passage);
      for (long i = 0; i < values.size(); i += 701) {
        float before = values.getFloat(i);
        float step = 2e-3f;
        float gradient = decoder.trained().gradients().getFloat(i);
        values.setFloat(i, before + step);
        double above = sum(decoder.scoresForGradient(batch, passage));
        values.setFloat(i, before - step);
        double below = sum(decoder.scoresForGradient(batch, passage));
        values.setFloat(i, before);
        assertEquals((above - below) / (2 * step), gradient, 2e-2 + 2e-2 * Math.abs(gradient));
      }
      assertNotEquals(
          sum(decoder.scoresForGradient(batch, passage)),
          sum(decoder.scoresForGradient(batch, new Passage(true, 0.3f, 100))));
    }
  }

  @Test
  void shouldScoreAndDifferentiateInTwoPartsAsInOne() {
    ReferenceModel model = new ReferenceModel("qwen2-tiny");
    Batch batch = model.batch().batch();
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      Decoder decoder = trainable.decoder();
      double inOne = decoder.logProbsAndGradient(batch, -0.5f, Passage.PLAIN);
      float[] expected = trainable.gradients().toFloatArray();
      trainable.gradients().zero();
      float[] scores = decoder.scoresForGradient(batch, Passage.PLAIN);
      assertEquals(inOne, sum(scores), 1e-4 * Math.abs(inOne));
      float[] halves = new float[scores.length];
      Arrays.fill(halves, -0.5f);
      decoder.scoresGradient(batch, halves, Passage.PLAIN, GradientListener.NONE);
      assertTrue(cosine(expected, trainable.gradients().toFloatArray()) > 0.999999);
      decoder.close();
    }
  }

  @Test
  void shouldRefuseAnAdapterThatDoesNotFit() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      Map<String, Tensor> tensors = trainable.tensors();
      String name = "model.layers.1.mlp.down_proj.lora_B.weight";
      Tensor value = tensors.remove(name);
      assertMessage(trainable, tensors, name);
      tensors.put(name, value.reshape(4, 64));
      assertMessage(trainable, tensors, "[4, 64]");
      tensors.put(name, value);
      tensors.put("extra", value);
      assertMessage(trainable, tensors, "extra");
      trainable.decoder().close();
    }
  }

  @Test
  void shouldRefuseIdsOutsideTheVocabulary() {
    ReferenceModel model = new ReferenceModel("llama3-tiny");
    try (Engine engine = EngineKind.CPU_F32.open()) {
      DecoderTrainable trainable = model.withAdapter(engine, "lora");
      Batch batch = new Batch(new int[] {3, 512}, new int[] {512, Batch.IGNORED}, new int[] {0, 2});
      assertThrows(SparktuneException.class, () -> trainable.accumulate(batch, 1));
      assertThrows(SparktuneException.class, () -> trainable.evaluate(batch));
      trainable.decoder().close();
    }
  }

  @Test
  void shouldTrainAcrossTheWholeVocabularyFromRandomWeights() {
    DecoderConfig config = new ReferenceModel("qwen3-tiny").config();
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder =
            Decoder.load(config, new RandomWeights(config, 1), engine, Tuning.Full.everything())) {
      int[] tokens = IntStream.range(0, 64).map(i -> (i * 37) % 512).toArray();
      int[] targets = IntStream.range(0, 64).map(i -> ((i + 1) * 37) % 512).toArray();
      Batch batch = new Batch(tokens, targets, new int[] {0, 64});
      double loss = new DecoderTrainable(decoder).evaluate(batch).sum() / 64;
      assertEquals(Math.log(512), loss, 0.1);
    }
  }

  private static void assertMessage(
      DecoderTrainable trainable, Map<String, Tensor> tensors, String part) {
    SparktuneException refusal =
        assertThrows(SparktuneException.class, () -> trainable.load(tensors));
    assertTrue(refusal.getMessage().contains(part), refusal.getMessage());
  }

  private static double sum(float[] values) {
    double sum = 0;
    for (float value : values) {
      sum += value;
    }
    return sum;
  }

  private static double cosine(float[] a, float[] b) {
    double dot = 0;
    double left = 0;
    double right = 0;
    for (int i = 0; i < a.length; i++) {
      dot += (double) a[i] * b[i];
      left += (double) a[i] * a[i];
      right += (double) b[i] * b[i];
    }
    return dot / Math.sqrt(left * right);
  }
}
