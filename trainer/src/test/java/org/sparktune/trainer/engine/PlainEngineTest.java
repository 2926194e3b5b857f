package org.sparktune.trainer.engine;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.Random;
import org.junit.jupiter.api.Test;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Every gradient of the plain engine against central differences of its own forward operators. */
class PlainEngineTest {
  private static final float STEP = 1e-2f;

  private final Random random = new Random(5);

  /** A scalar function of the inputs: what the analytic gradient is of. */
  private interface Loss {
    double value();
  }

  @Test
  void shouldDifferentiateRmsNorm() {
    try (PlainEngine engine = new PlainEngine();
        Arena arena = new Arena("test")) {
      Tensor x = randomTensor(arena, 3, 5);
      Tensor weight = randomTensor(arena, 5);
      Tensor out = arena.allocate(DType.F32, 3, 5);
      Tensor inverseRms = arena.allocate(DType.F32, 3);
      Tensor dOut = randomTensor(arena, 3, 5);
      Tensor dx = arena.allocate(DType.F32, 3, 5);
      Tensor dWeight = arena.allocate(DType.F32, 5);
      Loss loss =
          () -> {
            engine.rmsNorm(x, weight, 1e-5f, out, inverseRms);
            return dot(out, dOut);
          };
      loss.value();
      engine.rmsNormGradient(dOut, x, weight, inverseRms, dx, false, dWeight);
      check(loss, x, dx);
      check(loss, weight, dWeight);
    }
  }

  @Test
  void shouldDifferentiateAttention() {
    try (PlainEngine engine = new PlainEngine();
        Arena arena = new Arena("test")) {
      AttentionShape shape = new AttentionShape(4, 2, 2, 0.7f, 3);
      int[] starts = {0, 5, 7};
      Tensor q = randomTensor(arena, 7, 8);
      Tensor k = randomTensor(arena, 7, 4);
      Tensor v = randomTensor(arena, 7, 4);
      Tensor out = arena.allocate(DType.F32, 7, 8);
      Tensor logSumExp = arena.allocate(DType.F32, 7, 4);
      Tensor dOut = randomTensor(arena, 7, 8);
      Tensor dq = arena.allocate(DType.F32, 7, 8);
      Tensor dk = arena.allocate(DType.F32, 7, 4);
      Tensor dv = arena.allocate(DType.F32, 7, 4);
      Loss loss =
          () -> {
            engine.attention(q, k, v, starts, shape, out, logSumExp);
            return dot(out, dOut);
          };
      loss.value();
      engine.attentionGradient(dOut, q, k, v, out, logSumExp, starts, shape, dq, dk, dv);
      check(loss, q, dq);
      check(loss, k, dk);
      check(loss, v, dv);
    }
  }

  @Test
  void shouldDifferentiateSwigluAndRope() {
    try (PlainEngine engine = new PlainEngine();
        Arena arena = new Arena("test")) {
      Tensor gate = randomTensor(arena, 3, 4);
      Tensor up = randomTensor(arena, 3, 4);
      Tensor cos = randomTensor(arena, 6, 2);
      Tensor sin = randomTensor(arena, 6, 2);
      int[] positions = {0, 1, 5};
      Tensor out = arena.allocate(DType.F32, 3, 4);
      Tensor dOut = randomTensor(arena, 3, 4);
      Tensor dGate = arena.allocate(DType.F32, 3, 4);
      Tensor dUp = arena.allocate(DType.F32, 3, 4);
      Loss loss =
          () -> {
            engine.swiglu(gate, up, out);
            engine.rope(out, cos, sin, positions, 4, false);
            return dot(out, dOut);
          };
      Tensor dRotated = arena.allocate(DType.F32, 3, 4);
      dRotated.copyFrom(dOut);
      engine.rope(dRotated, cos, sin, positions, 4, true);
      engine.swigluGradient(dRotated, gate, up, dGate, dUp);
      check(loss, gate, dGate);
      check(loss, up, dUp);
    }
  }

  @Test
  void shouldDifferentiateTokenLogProbs() {
    try (PlainEngine engine = new PlainEngine();
        Arena arena = new Arena("test")) {
      Tensor hidden = randomTensor(arena, 3, 4);
      Tensor head = randomTensor(arena, 6, 4);
      int[] targets = {5, 0, 2};
      Tensor logProbs = arena.allocate(DType.F32, 3);
      Tensor logSumExp = arena.allocate(DType.F32, 3);
      Tensor dLogProbs = randomTensor(arena, 3);
      Tensor dHidden = arena.allocate(DType.F32, 3, 4);
      Tensor dHead = arena.allocate(DType.F32, 6, 4);
      Weight weight = engine.track(head);
      Loss loss =
          () -> {
            engine.tokenLogProbs(hidden, weight, targets, logProbs, logSumExp);
            return dot(logProbs, dLogProbs);
          };
      engine.tokenLossAndGradient(hidden, weight, targets, dLogProbs, logProbs, dHidden, dHead);
      check(loss, hidden, dHidden);
      check(loss, head, dHead);
    }
  }

  @Test
  void shouldAttendToACacheAsToADocument() {
    try (PlainEngine engine = new PlainEngine();
        Arena arena = new Arena("test")) {
      AttentionShape shape = new AttentionShape(2, 1, 4, 0.5f, Integer.MAX_VALUE);
      Tensor q = randomTensor(arena, 5, 8);
      Tensor k = randomTensor(arena, 5, 4);
      Tensor v = randomTensor(arena, 5, 4);
      Tensor whole = arena.allocate(DType.F32, 5, 8);
      engine.attention(q, k, v, new int[] {0, 5}, shape, whole, null);
      Tensor last = arena.allocate(DType.F32, 2, 8);
      engine.cachedAttention(
          q.rows(3, 5),
          new int[] {0, 2},
          new Tensor[] {k},
          new Tensor[] {v},
          new int[] {5},
          shape,
          last);
      for (int i = 0; i < 16; i++) {
        assertEquals(whole.getFloat(24 + i), last.getFloat(i), 1e-6);
      }
    }
  }

  private void check(Loss loss, Tensor input, Tensor gradient) {
    for (int i = 0; i < input.size(); i++) {
      float before = input.getFloat(i);
      input.setFloat(i, before + STEP);
      double above = loss.value();
      input.setFloat(i, before - STEP);
      double below = loss.value();
      input.setFloat(i, before);
      assertEquals((above - below) / (2 * STEP), gradient.getFloat(i), 2e-3, "element " + i);
    }
  }

  private Tensor randomTensor(Arena arena, long... shape) {
    Tensor tensor = arena.allocate(DType.F32, shape);
    for (int i = 0; i < tensor.size(); i++) {
      tensor.setFloat(i, (float) random.nextGaussian());
    }
    return tensor;
  }

  private static double dot(Tensor a, Tensor b) {
    double sum = 0;
    for (int i = 0; i < a.size(); i++) {
      sum += (double) a.getFloat(i) * b.getFloat(i);
    }
    return sum;
  }
}
