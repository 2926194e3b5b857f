package org.sparktune.trainer.model;

import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.lang.reflect.Proxy;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * What a training step's own code leaves on the heap. The engine is an empty one: a cold Vector API
 * kernel allocates until it is compiled, which says nothing of the model.
 */
class StepAllocationTest {
  private static final long SLACK_BYTES = 1 << 10;
  private static final int WARM_UP_STEPS = 20;
  private static final int STEPS = 50;

  @Test
  void shouldNotAllocateMoreForALargerModel() {
    long small = bytesPerStep(256, 64, 128, 2);
    long large = bytesPerStep(4_096, 256, 1_024, 2);
    assertTrue(
        large <= small + SLACK_BYTES,
        "%,d bytes a step for the small model, %,d for the large".formatted(small, large));
  }

  private record EmptyWeight(long out, long in) implements Weight {}

  /** An engine that has memory and computes nothing. */
  private static Engine emptyEngine(Arena arena) {
    return (Engine)
        Proxy.newProxyInstance(
            Engine.class.getClassLoader(),
            new Class<?>[] {Engine.class},
            (proxy, method, arguments) ->
                switch (method.getName()) {
                  case "arena" -> new Arena((String) arguments[0]);
                  case "toArray" -> new float[0];
                  case "allocate" -> arena.allocate((DType) arguments[0], (long[]) arguments[1]);
                  case "freeze", "freezeForTraining", "track" -> {
                    Tensor matrix = (Tensor) arguments[0];
                    yield new EmptyWeight(matrix.rows(), matrix.columns());
                  }
                  case "precision" -> Engine.Precision.F32;
                  case "activationType", "operandType" -> DType.F32;
                  case "retainsSource" -> false;
                  case "extendedColumns" -> arguments[0];
                  default -> null;
                });
  }

  private static long bytesPerStep(int vocabulary, int hidden, int feedForward, int layers) {
    DecoderConfig config =
        new DecoderConfig(
            Architecture.LLAMA,
            vocabulary,
            hidden,
            feedForward,
            layers,
            4,
            2,
            hidden / 4,
            128,
            1e-5f,
            true,
            false,
            false,
            false,
            DecoderConfig.noWindows(layers),
            10_000,
            new RopeScaling.None());
    Tuning tuning = new Tuning.Lora(LoraConfig.of(4, 8, new TargetModules.AllLinear()), 1);
    int[] tokens = IntStream.range(0, 96).toArray();
    int[] targets = IntStream.range(1, 97).toArray();
    Batch batch = new Batch(tokens, targets, new int[] {0, 96});
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Arena arena = new Arena("the empty engine");
        Decoder decoder =
            Decoder.load(config, new RandomWeights(config, 1), emptyEngine(arena), tuning)) {
      DecoderTrainable trainable = new DecoderTrainable(decoder);
      for (int step = 0; step < WARM_UP_STEPS; step++) {
        trainable.accumulate(batch, 1);
      }
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int step = 0; step < STEPS; step++) {
        trainable.accumulate(batch, 1);
        trainable.parametersChanged();
      }
      return (threads.getCurrentThreadAllocatedBytes() - before) / STEPS;
    }
  }
}
