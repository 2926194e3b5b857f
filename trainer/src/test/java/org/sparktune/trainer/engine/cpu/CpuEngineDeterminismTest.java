package org.sparktune.trainer.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** The same inputs give the same bits, and a step leaves next to nothing on the heap. */
class CpuEngineDeterminismTest {
  private static final int ROWS = 200;
  private static final int HIDDEN = 72;
  private static final int WIDE = 700;
  private static final int VOCABULARY = 1030;
  private static final long HEAP_BYTES = 64 * 1024;
  private static final int STEPS_PER_ROUND = 40;
  private static final int MOST_ROUNDS = 60;

  /** Seeded tensors of an engine. */
  private static class Tensors {
    final Engine engine;
    final List<Tensor> results = new ArrayList<>();
    private final Random random = new Random(9);

    Tensors(Engine engine) {
      this.engine = engine;
    }

    float[] gaussian(int count) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) random.nextGaussian() * 0.3f;
      }
      return values;
    }

    Tensor random(int rows, int columns) {
      Tensor tensor = engine.allocate(DType.F32, rows, columns).set(gaussian(rows * columns));
      results.add(tensor);
      return tensor;
    }
  }

  /** Something of every operator, as a training step calls it. */
  private static final class Step extends Tensors {
    private final Tensor x = random(ROWS, HIDDEN);
    private final Tensor wide = random(ROWS, WIDE);
    private final Tensor normed = random(ROWS, HIDDEN);
    private final Tensor inverse = random(1, ROWS).reshape(ROWS);
    private final Tensor gain = random(1, HIDDEN).reshape(HIDDEN);
    private final Tensor dGain = random(1, HIDDEN).reshape(HIDDEN);
    private final Tensor dWeight = random(WIDE, HIDDEN);
    private final Tensor dBias = random(1, WIDE).reshape(WIDE);
    private final Tensor reduced = random(ROWS, 8);
    private final Tensor up = random(WIDE, 8);
    private final Tensor down = random(8, HIDDEN);
    private final Tensor angles = random(ROWS, 12);
    private final Tensor keys = random(ROWS, 24);
    private final Tensor values = random(ROWS, 24);
    private final Tensor out = random(ROWS, HIDDEN);
    private final Tensor sums = random(ROWS, 3);
    private final Tensor dQuery = random(ROWS, HIDDEN);
    private final Tensor dKeys = random(ROWS, 24);
    private final Tensor dValues = random(ROWS, 24);
    private final Tensor logProbs = random(1, ROWS).reshape(ROWS);
    private final Tensor upstream = random(1, ROWS).reshape(ROWS);
    private final Tensor dHidden = random(ROWS, HIDDEN);
    private final Tensor dHead = random(VOCABULARY, HIDDEN);
    private final Tensor other = random(ROWS, WIDE);
    private final Weight weight;
    private final Weight head;
    private final List<LowRank> added = List.of(new LowRank(reduced, up, 2, 0));
    private final int[] positions = new Random(1).ints(ROWS, 0, ROWS).toArray();
    private final int[] targets = new Random(2).ints(ROWS, 0, VOCABULARY).toArray();
    private final int[] starts = {0, 1, 77, ROWS};
    private final AttentionShape shape = new AttentionShape(3, 1, 24, 0.2f, Integer.MAX_VALUE);

    Step(Engine engine) {
      super(engine);
      weight = engine.freeze(engine.allocate(DType.F32, WIDE, HIDDEN).set(gaussian(WIDE * HIDDEN)));
      head =
          engine.freeze(
              engine.allocate(DType.F32, VOCABULARY, HIDDEN).set(gaussian(VOCABULARY * HIDDEN)));
    }

    void run() {
      engine.rmsNorm(x, gain, 1e-6f, normed, inverse);
      engine.product(false, normed, true, down, 1, 0, reduced);
      engine.linear(normed, weight, null, wide, false, added);
      engine.rope(normed, angles, angles, positions, 24, false);
      engine.attention(normed, keys, values, starts, shape, out, sums);
      engine.swiglu(wide, other, other);
      engine.tokenLossAndGradient(out, head, targets, upstream, logProbs, dHidden, dHead);
      engine.attentionGradient(
          dHidden, normed, keys, values, out, sums, starts, shape, dQuery, dKeys, dValues);
      engine.rope(dQuery, angles, angles, positions, 24, true);
      engine.linearWeightGradient(wide, dQuery, dWeight, dBias);
      engine.product(true, wide, false, reduced, 2, 1, up);
      engine.swigluGradient(other, wide, other, wide, other);
      engine.linearInputGradient(wide, weight, dQuery, true);
      engine.rmsNormGradient(dQuery, x, gain, inverse, dHidden, true, dGain);
      engine.add(dHidden, dQuery);
    }

    float[] everything() {
      int total = 0;
      for (Tensor tensor : results) {
        total += (int) tensor.size();
      }
      float[] all = new float[total];
      int at = 0;
      for (Tensor tensor : results) {
        float[] part = tensor.toFloatArray();
        System.arraycopy(part, 0, all, at, part.length);
        at += part.length;
      }
      return all;
    }
  }

  private static float[] afterSteps(Precision precision, int threads, int steps) {
    try (Engine engine = CpuEngines.open(precision, threads)) {
      Step step = new Step(engine);
      for (int i = 0; i < steps; i++) {
        step.run();
      }
      return step.everything();
    }
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void shouldGiveTheSameBitsOnAnyNumberOfThreadsColdAndWarm(Precision precision) {
    float[] cold = afterSteps(precision, 1, 2);
    assertArrayEquals(cold, afterSteps(precision, 3, 2));
    // The kernels of later calls are compiled, those of the first were interpreted.
    afterSteps(precision, 2, 150);
    assertArrayEquals(cold, afterSteps(precision, 2, 2));
  }

  @ParameterizedTest
  @EnumSource(Precision.class)
  void shouldLeaveNextToNothingOnTheHeap(Precision precision) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Engine engine = CpuEngines.open(precision, 1)) {
      Step step = new Step(engine);
      long thread = Thread.currentThread().getId();
      long perStep = Long.MAX_VALUE;
      // Interpreted vector code allocates; compiled code does not, and compiling takes its time.
      for (int round = 0; round < MOST_ROUNDS && perStep > HEAP_BYTES; round++) {
        long before = threads.getThreadAllocatedBytes(thread);
        for (int i = 0; i < STEPS_PER_ROUND; i++) {
          step.run();
        }
        perStep = (threads.getThreadAllocatedBytes(thread) - before) / STEPS_PER_ROUND;
      }
      assertTrue(perStep <= HEAP_BYTES, "a step allocates %,d bytes".formatted(perStep));
    }
  }
}
