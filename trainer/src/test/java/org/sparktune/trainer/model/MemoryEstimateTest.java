package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;

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
    int tokens = batch.tokens().length;
    try (Engine engine = kind.open();
        Decoder decoder = model.load(engine, tuning)) {
      boolean trains = !(tuning instanceof Tuning.Nothing);
      MemoryEstimate estimate =
          trains
              ? MemoryEstimate.training(model.config(), tuning, tokens, engine.precision())
              : MemoryEstimate.evaluation(model.config(), tokens, engine.precision());
      if (trains) {
        new DecoderTrainable(decoder).accumulate(batch, 1);
      } else {
        decoder.tokenLogProbs(batch, true);
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

  private static void assertNear(long actual, long estimated) {
    assertEquals(1, estimated / (double) actual, TOLERANCE);
  }
}
