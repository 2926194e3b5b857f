package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cpu.CpuVectors;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.optim.AdamW;
import org.sparktune.trainer.optim.AdamWOptions;
import org.sparktune.trainer.optim.GradientTree;

class MemoryEstimateTest {
  private static final double TOLERANCE = 0.15;

  private static Stream<Arguments> cases() {
    List<Tuning> tunings =
        List.of(
            new Tuning.Nothing(),
            new Tuning.Lora(LoraConfig.of(8, 16, new TargetModules.AllLinear()), 1),
            Tuning.Full.everything());
    return Stream.of("llama3-tiny", "qwen2-tiny", "phi3-tiny", "qwen3-tiny")
        .flatMap(
            name ->
                Stream.of(EngineKind.CPU_F32, EngineKind.CPU_BF16)
                    .flatMap(
                        kind -> tunings.stream().map(tuning -> Arguments.of(kind, name, tuning))));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldForeseeWhatIsAllocated(EngineKind kind, String name, Tuning tuning) {
    ReferenceModel model = new ReferenceModel(name);
    Batch batch = model.batch().batch();
    BatchSize size = BatchSize.ofTokens(batch.tokens().length);
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, tuning)) {
      boolean trains = !(tuning instanceof Tuning.Nothing);
      MemoryEstimate estimate =
          trains
              ? MemoryEstimate.training(model.config(), tuning, size, engine)
              : MemoryEstimate.evaluation(model.config(), tuning, size, engine);
      if (trains) {
        new DecoderTrainable(decoder).accumulate(batch, 1);
      } else {
        decoder.scores(batch, Passage.PLAIN);
      }
      long held = engine.allocatedBytes();
      long weights = estimate.frozenWeights() + estimate.parameters() + estimate.gradients();
      assertNear(held, weights);
      long activations = estimate.activations() + estimate.head();
      assertNear(decoder.workspaceBytes(), activations);
      estimate.requireWithin(estimate.total());
      SparktuneException refusal =
          assertThrows(
              SparktuneException.class, () -> estimate.requireWithin(estimate.total() - 1));
      assertTrue(refusal.getMessage().contains("GiB"));
    }
  }

  private static Stream<Arguments> wholeRuns() {
    return Stream.of(EngineKind.CPU_F32, EngineKind.CPU_BF16)
        .flatMap(
            kind ->
                Stream.of(
                        new Tuning.Nothing(),
                        new Tuning.Lora(LoraConfig.of(8, 16, new TargetModules.AllLinear()), 1),
                        Tuning.Full.everything())
                    .flatMap(
                        tuning ->
                            Stream.of(new BatchSize(8, 64), new BatchSize(2, 1024))
                                .map(size -> Arguments.of(kind, tuning, size))));
  }

  /** Everything off the heap, the engine's scratch included, within a sixth. */
  @ParameterizedTest
  @MethodSource("wholeRuns")
  void shouldForeseeAllThatIsHeld(EngineKind kind, Tuning tuning, BatchSize size) {
    DecoderConfig config = small();
    boolean trains = !(tuning instanceof Tuning.Nothing);
    int microBatches = 3;
    MemoryEstimate.Sharing sharing =
        new MemoryEstimate.Sharing(1, 2, GradientTree.partialSums(microBatches));
    long before = Memory.heldBytes();
    try (Engine engine = kind.open();
        Decoder decoder = Decoder.load(config, new RandomWeights(config, 1), engine, tuning);
        CpuVectors vectors = new CpuVectors(2)) {
      MemoryEstimate estimate =
          trains
              ? MemoryEstimate.training(config, tuning, size, engine, sharing)
              : MemoryEstimate.evaluation(config, tuning, size, engine);
      Batch batch = fullRows(size, config.vocabularySize());
      if (!trains) {
        decoder.scores(batch, Passage.PLAIN);
        assertWithinASixth(Memory.heldBytes() - before, estimate);
        return;
      }
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      AdamWOptions options = AdamWOptions.DEFAULTS;
      try (AdamW optimizer = new AdamW(trainable.layout(), options, vectors);
          GradientTree tree = new GradientTree(trainable.gradients(), microBatches, vectors)) {
        tree.begin();
        trainable.accumulate(batch, 1);
        assertNear(optimizer.stateBytes(), estimate.optimizer());
        assertWithinASixth(Memory.heldBytes() - before, estimate);
      }
    }
  }

  /** An adapter that is only used holds what training holds, but for the optimizer. */
  @ParameterizedTest
  @EnumSource(
      value = EngineKind.class,
      names = {"CPU_F32", "CPU_BF16"})
  void shouldForeseeAnEvaluationWithAnAdapter(EngineKind kind) {
    DecoderConfig config = small();
    Tuning tuning = new Tuning.Lora(LoraConfig.of(64, 16, new TargetModules.AllLinear()), 1);
    BatchSize size = new BatchSize(2, 1024);
    long before = Memory.heldBytes();
    try (Engine engine = kind.open();
        Decoder decoder = Decoder.load(config, new RandomWeights(config, 1), engine, tuning)) {
      decoder.scores(fullRows(size, config.vocabularySize()), Passage.PLAIN);
      assertWithinASixth(
          Memory.heldBytes() - before, MemoryEstimate.evaluation(config, tuning, size, engine));
    }
  }

  private static DecoderConfig small() {
    return new DecoderConfig(
        Architecture.LLAMA,
        8_000,
        256,
        704,
        3,
        8,
        2,
        32,
        1024,
        1e-5f,
        true,
        false,
        false,
        false,
        DecoderConfig.noWindows(3),
        10_000,
        new RopeScaling.None());
  }

  private static Batch fullRows(BatchSize size, int vocabulary) {
    int[] tokens = new int[size.tokens()];
    int[] targets = new int[tokens.length];
    int[] starts = new int[size.rows() + 1];
    for (int i = 0; i < tokens.length; i++) {
      tokens[i] = (i * 31) % vocabulary;
      boolean last = (i + 1) % size.sequenceLength() == 0;
      targets[i] = last ? Batch.IGNORED : (i * 31 + 31) % vocabulary;
    }
    for (int row = 0; row < starts.length; row++) {
      starts[row] = row * size.sequenceLength();
    }
    return new Batch(tokens, targets, starts);
  }

  private static void assertWithinASixth(long held, MemoryEstimate estimate) {
    assertEquals(
        1,
        estimate.total() / (double) held,
        1 / 6.0,
        () -> "%,d bytes are held; estimated: %s".formatted(held, estimate));
  }

  private static void assertNear(long actual, long estimated) {
    assertEquals(1, estimated / (double) actual, TOLERANCE);
  }
}
