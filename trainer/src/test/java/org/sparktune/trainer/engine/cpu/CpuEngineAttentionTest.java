package org.sparktune.trainer.engine.cpu;

import static org.sparktune.trainer.engine.cpu.Twins.assertClose;

import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.memory.Tensor;

class CpuEngineAttentionTest {

  static Stream<Arguments> cases() {
    int none = Integer.MAX_VALUE;
    return Stream.of(Precision.values())
        .flatMap(
            precision ->
                Stream.of(
                    Arguments.of(precision, new int[] {0, 1}, 1, 1, 16, none),
                    Arguments.of(precision, new int[] {0, 1, 2, 15, 80}, 4, 2, 24, none),
                    Arguments.of(precision, new int[] {0, 65}, 2, 2, 32, none),
                    Arguments.of(precision, new int[] {0, 130, 207}, 6, 2, 64, none),
                    Arguments.of(precision, new int[] {0, 150}, 2, 1, 96, 40),
                    Arguments.of(precision, new int[] {0, 3, 700}, 1, 1, 16, none),
                    Arguments.of(precision, new int[] {0, 90, 800}, 1, 1, 16, 530),
                    Arguments.of(precision, new int[] {0, 64, 129}, 2, 1, 128, 1)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldAttend(
      Precision precision, int[] starts, int heads, int shared, int size, int window) {
    try (Twins twins = new Twins(precision, 2, size)) {
      int rows = starts[starts.length - 1];
      AttentionShape shape =
          new AttentionShape(heads, shared, size, (float) (1 / Math.sqrt(size)), window);
      Tensor q = twins.random(rows, (long) heads * size, (long) (heads + 2 * shared) * size);
      Tensor k = twins.random(rows, (long) shared * size, (long) shared * size + 8);
      Tensor v = twins.random(rows, (long) shared * size);
      Tensor out = twins.random(rows, (long) heads * size);
      Tensor expected = twins.copy(out);
      Tensor sums = twins.random(rows, heads);
      Tensor expectedSums = twins.copy(sums);
      twins.fast.attention(q, k, v, starts, shape, out, sums);
      twins.plain.attention(q, k, v, starts, shape, expected, expectedSums);
      double tolerance = precision == Precision.F32 ? 4e-6 : 3e-2;
      assertClose("out", expected, out, tolerance);
      assertClose("log-sum-exp", expectedSums, sums, tolerance);

      Tensor dOut = twins.random(rows, (long) heads * size);
      Tensor dq = twins.random(rows, (long) heads * size, (long) heads * size + 1);
      Tensor dk = twins.random(rows, (long) shared * size);
      Tensor dv = twins.random(rows, (long) shared * size);
      Tensor expectedDq = twins.copy(dq);
      Tensor expectedDk = twins.copy(dk);
      Tensor expectedDv = twins.copy(dv);
      twins.fast.attentionGradient(
          dOut, q, k, v, expected, expectedSums, starts, shape, dq, dk, dv);
      twins.plain.attentionGradient(
          dOut, q, k, v, expected, expectedSums, starts, shape, expectedDq, expectedDk, expectedDv);
      assertClose("dq", expectedDq, dq, tolerance);
      assertClose("dk", expectedDk, dk, tolerance);
      assertClose("dv", expectedDv, dv, tolerance);
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldAttendToACache(
      Precision precision, int[] ignored, int heads, int shared, int size, int window) {
    try (Twins twins = new Twins(precision, 2, size + 1)) {
      int[] starts = {0, 1, 4, 74, 83};
      int[] lengths = {1, 50, 70, 600};
      AttentionShape shape = new AttentionShape(heads, shared, size, 0.2f, window);
      Tensor q = twins.random(83, (long) heads * size);
      Tensor[] keys = new Tensor[4];
      Tensor[] values = new Tensor[4];
      for (int i = 0; i < 4; i++) {
        keys[i] = twins.random(640, (long) shared * size);
        values[i] = twins.random(640, (long) shared * size);
      }
      Tensor out = twins.random(83, (long) heads * size);
      Tensor expected = twins.copy(out);
      twins.fast.cachedAttention(q, starts, keys, values, lengths, shape, out);
      twins.plain.cachedAttention(q, starts, keys, values, lengths, shape, expected);
      assertClose("out", expected, out, precision == Precision.F32 ? 4e-6 : 3e-2);
    }
  }
}
