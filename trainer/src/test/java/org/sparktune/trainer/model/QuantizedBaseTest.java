package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Set;
import java.util.function.BiFunction;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/** LoRA on a base in few bits beside LoRA on the same values in full. */
class QuantizedBaseTest {
  private static final DecoderConfig CONFIG =
      new DecoderConfig(
          Architecture.QWEN2,
          300,
          96,
          200,
          2,
          6,
          2,
          16,
          256,
          1e-5f,
          true,
          true,
          false,
          false,
          DecoderConfig.noWindows(2),
          10_000,
          new RopeScaling.None());

  private static Stream<Arguments> cases() {
    return Stream.of(EngineKind.CPU_F32, EngineKind.CPU_BF16)
        .flatMap(
            kind ->
                Stream.of(true, false)
                    .flatMap(
                        dora ->
                            Stream.of(true, false).map(twice -> Arguments.of(kind, dora, twice))));
  }

  @ParameterizedTest
  @EnumSource(names = {"CPU_F32", "CPU_BF16"})
  void shouldTrainOnEightBitsAsOnTheDecodedValues(EngineKind kind) {
    double tolerance = kind.isExact() ? 1e-5 : 2e-2;
    WeightSource original = new RandomWeights(CONFIG, 3);
    WeightSource decoded = new Decoded(original, Fp8Matrix::of);
    Step expected = step(kind, false, decoded, BaseStorage.FULL);
    Step inEightBits = step(kind, false, original, new BaseStorage.EightBits());
    assertEquals(expected.loss(), inEightBits.loss(), tolerance * expected.loss());
    assertTrue(distance(expected.gradients(), inEightBits.gradients()) < tolerance);
  }

  /** Relative to the norm of the first. */
  private static double distance(float[] first, float[] second) {
    double norm = 0;
    double difference = 0;
    for (int i = 0; i < first.length; i++) {
      norm += (double) first[i] * first[i];
      difference += (double) (first[i] - second[i]) * (first[i] - second[i]);
    }
    assertTrue(norm > 0);
    return Math.sqrt(difference / norm);
  }

  /** How much products of 8-bit operands move loss and gradients, relative to BF16's. */
  static double[] moveOfEightBits(EngineKind kind) {
    WeightSource original = new RandomWeights(CONFIG, 3);
    Step plain = step(kind, false, original, BaseStorage.FULL);
    Step eight = step(kind, false, original, new BaseStorage.EightBits());
    double loss = Math.abs(eight.loss() - plain.loss()) / plain.loss();
    return new double[] {loss, distance(plain.gradients(), eight.gradients())};
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldTrainAsOnTheDecodedValues(EngineKind kind, boolean dora, boolean twice) {
    BaseStorage storage = new BaseStorage.Nf4(twice);
    WeightSource original = new RandomWeights(CONFIG, 3);
    Step inFewBits = step(kind, dora, original, storage);
    Step decoded = step(kind, dora, new Decoded(original, normal(twice)), BaseStorage.FULL);
    // The library sums packed matrices in another order.
    double tolerance = kind.isExact() ? 1e-5 : 2e-2;
    assertEquals(decoded.loss(), inFewBits.loss(), tolerance * decoded.loss());
    float largest = 0;
    for (float value : decoded.gradients()) {
      largest = Math.max(largest, Math.abs(value));
    }
    assertTrue(largest > 0);
    assertArrayEquals(decoded.gradients(), inFewBits.gradients(), (float) (largest * tolerance));
  }

  @Test
  void shouldGenerateAsOnTheDecodedValues() {
    WeightSource original = new RandomWeights(CONFIG, 3);
    Tensor[] logits = new Tensor[2];
    try (Arena arena = new Arena("test")) {
      for (int which = 0; which < 2; which++) {
        boolean decoded = which == 1;
        try (Engine engine = EngineKind.CPU_F32.open();
            Decoder decoder =
                Decoder.load(
                    CONFIG,
                    decoded ? new Decoded(original, normal(true)) : original,
                    engine,
                    tuning(false, decoded ? BaseStorage.FULL : new BaseStorage.Nf4(true)))) {
          // Two tokens: the products that read their matrix row by row.
          Batch two = new Batch(new int[] {5, 9}, new int[] {9, 7}, new int[] {0, 2});
          float[] logProbs = decoder.scores(two, Passage.PLAIN);
          logits[which] = arena.allocate(DType.F32, logProbs.length).set(logProbs);
        }
      }
      assertArrayEquals(logits[1].toFloatArray(), logits[0].toFloatArray(), 1e-5f);
    }
  }

  @Test
  void shouldHoldAnEighthOfTheBytes() {
    DecoderConfig config =
        new DecoderConfig(
            Architecture.LLAMA,
            64,
            512,
            1024,
            3,
            8,
            2,
            64,
            256,
            1e-5f,
            true,
            false,
            false,
            false,
            DecoderConfig.noWindows(3),
            10_000,
            new RopeScaling.None());
    Tuning tuning =
        new Tuning.Lora(
            LoraConfig.of(4, 8, new TargetModules.AllLinear()),
            1,
            false,
            new BaseStorage.Nf4(true));
    BatchSize size = new BatchSize(1, 128);
    long before = Memory.heldBytes();
    try (Engine engine = EngineKind.CPU_F32.open();
        Decoder decoder = Decoder.load(config, new RandomWeights(config, 1), engine, tuning)) {
      MemoryEstimate estimate = MemoryEstimate.training(config, tuning, size, engine);
      new DecoderTrainable(decoder).accumulate(batch(128, 64), 1);
      // AdamW's moments are not made here.
      long expected = estimate.total() - estimate.optimizer();
      assertEquals(1, expected / (double) (Memory.heldBytes() - before), 1 / 6.0);
      long full = 3L * (512 * 512 * 2 + 2 * 512 * 128 + 3 * 512 * 1024) * Float.BYTES;
      assertTrue(estimate.frozenWeights() < full / 7, () -> estimate + " of " + full);
    }
  }

  private record Step(double loss, float[] gradients) {}

  private static Step step(
      EngineKind kind, boolean dora, WeightSource source, BaseStorage storage) {
    try (Engine engine = kind.open();
        Decoder decoder = Decoder.load(CONFIG, source, engine, tuning(dora, storage))) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      // B is 0 at first, and A would get no gradient.
      float[] values = engine.toArray(trainable.parameters());
      for (int i = 0; i < values.length; i++) {
        values[i] += 0.01f * ((i * 31) % 7 - 3);
      }
      engine.set(trainable.parameters(), values);
      double loss = trainable.accumulate(batch(48, CONFIG.vocabularySize()), 1).sum();
      return new Step(loss, engine.toArray(trainable.gradients()));
    }
  }

  private static Tuning tuning(boolean dora, BaseStorage storage) {
    LoraConfig plain = LoraConfig.of(4, 8, new TargetModules.AllLinear());
    LoraConfig config =
        new LoraConfig(
            plain.rank(),
            plain.alpha(),
            0,
            plain.targets(),
            false,
            dora,
            plain.rankPattern(),
            plain.alphaPattern(),
            plain.modulesToSave(),
            plain.initialization(),
            plain.policies());
    return new Tuning.Lora(config, 1, false, storage);
  }

  private static Batch batch(int tokens, int vocabulary) {
    int[] ids = new int[tokens];
    int[] targets = new int[tokens];
    for (int i = 0; i < tokens; i++) {
      ids[i] = (i * 37) % vocabulary;
      targets[i] = (i * 37 + 37) % vocabulary;
    }
    targets[tokens - 1] = Batch.IGNORED;
    return new Batch(ids, targets, new int[] {0, tokens});
  }

  private static BiFunction<Tensor, Arena, QuantizedMatrix> normal(boolean twice) {
    return (matrix, arena) -> Nf4Matrix.of(matrix, twice, arena);
  }

  /** A model whose linear layers went through a quantization. */
  private record Decoded(
      WeightSource original, BiFunction<Tensor, Arena, QuantizedMatrix> quantization)
      implements WeightSource {
    @Override
    public Set<String> names() {
      return original.names();
    }

    @Override
    public boolean has(String name) {
      return original.has(name);
    }

    @Override
    public long[] shape(String name) {
      return original.shape(name);
    }

    @Override
    public void read(String name, Tensor destination) {
      if (!name.endsWith("_proj.weight")) {
        original.read(name, destination);
        return;
      }
      try (Arena arena = new Arena("test")) {
        Tensor full = arena.allocate(DType.F32, shape(name));
        original.read(name, full);
        quantization.apply(full, arena).decode(0, destination.view(0, shape(name)));
      }
    }
  }
}
