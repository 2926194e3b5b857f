package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Arrays;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.KeyValueCache;
import org.sparktune.trainer.engine.KeyValueCache.Rows;
import org.sparktune.trainer.engine.cuda.AttentionTwins.Pair;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

@Tag("gpu")
class CudaAttentionTest {
  private static final int NONE = Integer.MAX_VALUE;

  @BeforeAll
  static void requireGpu() {
    Gpu.require();
  }

  static Stream<Arguments> cases() {
    return Stream.of(DType.F32, DType.BF16)
        .flatMap(
            type ->
                Stream.of(
                    Arguments.of(type, new int[] {0, 1}, 1, 1, 16, NONE),
                    Arguments.of(type, new int[] {0, 1, 2, 15, 80}, 4, 2, 24, NONE),
                    Arguments.of(type, new int[] {0, 65}, 2, 2, 20, NONE),
                    Arguments.of(type, new int[] {0, 130, 207}, 6, 2, 64, NONE),
                    Arguments.of(type, new int[] {0, 150}, 2, 1, 96, 40),
                    Arguments.of(type, new int[] {0, 3, 3, 700}, 3, 1, 80, NONE),
                    Arguments.of(type, new int[] {0, 90, 800}, 2, 1, 128, 530),
                    Arguments.of(type, new int[] {0, 64, 129}, 2, 1, 128, 1),
                    Arguments.of(type, new int[] {0, 40, 139}, 2, 1, 256, NONE)));
  }

  @ParameterizedTest
  @MethodSource("cases")
  void shouldAttendAsThePlainEngineAndTheSameEveryTime(
      DType type, int[] starts, int heads, int shared, int size, int window) {
    try (AttentionTwins twins = new AttentionTwins(size)) {
      compare(twins, type, starts, heads, shared, size, window);
    }
    if (type == DType.BF16) {
      try (AttentionTwins twins = new AttentionTwins(size, true)) {
        compare(twins, type, starts, heads, shared, size, window);
      }
      try (AttentionTwins twins = new AttentionTwins(size, false)) {
        compare(twins, type, starts, heads, shared, size, window);
      }
    }
  }

  private static void compare(
      AttentionTwins twins, DType type, int[] starts, int heads, int shared, int size, int window) {
    int rows = starts[starts.length - 1];
    long wide = (long) heads * size;
    long narrow = (long) shared * size;
    AttentionShape shape =
        new AttentionShape(heads, shared, size, (float) (1 / Math.sqrt(size)), window);
    double tolerance = type == DType.F32 ? 5e-6 : 2e-2;
    Pair q = twins.random(type, rows, wide, wide + 2 * narrow);
    Pair k = twins.random(type, rows, narrow, narrow + 8);
    Pair v = twins.random(type, rows, narrow);
    Pair dOut = twins.random(type, rows, wide);
    Tensor out = twins.result(type, rows, wide);
    Tensor sums = twins.result(DType.F32, rows, heads);
    twins.fast.forward(q.onDevice(), k.onDevice(), v.onDevice(), starts, shape, out, sums);
    Tensor expectedOut = twins.expected(rows, wide);
    Tensor expectedSums = twins.expected(rows, heads);
    twins.plain.attention(q.host(), k.host(), v.host(), starts, shape, expectedOut, expectedSums);
    twins.assertClose("out", expectedOut, out, tolerance);
    twins.assertClose("log-sum-exp", expectedSums, sums, 5e-6);

    Tensor dq = twins.result(type, rows, wide, wide + 8);
    Tensor dk = twins.result(type, rows, narrow);
    Tensor dv = twins.result(type, rows, narrow);
    twins.fast.gradient(
        dOut.onDevice(),
        q.onDevice(),
        k.onDevice(),
        v.onDevice(),
        out,
        sums,
        starts,
        shape,
        dq,
        dk,
        dv);
    Tensor expectedDq = twins.expected(rows, wide);
    Tensor expectedDk = twins.expected(rows, narrow);
    Tensor expectedDv = twins.expected(rows, narrow);
    twins.plain.attentionGradient(
        dOut.host(),
        q.host(),
        k.host(),
        v.host(),
        expectedOut,
        expectedSums,
        starts,
        shape,
        expectedDq,
        expectedDk,
        expectedDv);
    twins.assertClose("dq", expectedDq, dq, tolerance);
    twins.assertClose("dk", expectedDk, dk, tolerance);
    twins.assertClose("dv", expectedDv, dv, tolerance);

    float[] first = twins.numbers(out);
    float[] firstDk = twins.numbers(dk);
    Tensor again = twins.result(type, rows, wide);
    Tensor dkAgain = twins.result(type, rows, narrow);
    twins.fast.forward(
        q.onDevice(), k.onDevice(), v.onDevice(), starts.clone(), shape, again, null);
    twins.fast.gradient(
        dOut.onDevice(),
        q.onDevice(),
        k.onDevice(),
        v.onDevice(),
        again,
        sums,
        starts,
        shape,
        dq,
        dkAgain,
        dv);
    assertArrayEquals(first, twins.numbers(again));
    assertArrayEquals(firstDk, twins.numbers(dkAgain));
  }

  /** What one pass gives to each of three sequences: rows for tiles, single rows, both. */
  private static final int[][] PASSES = {{70, 9, 290}, {1, 1, 1}, {1, 40, 0}, {2, 3, 1}};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void shouldContinueSequencesAsThePlainEngine(DType type) {
    for (int size : new int[] {16, 64, 128}) {
      for (int window : new int[] {NONE, 50}) {
        AttentionShape shape = new AttentionShape(10, 1, size, 0.2f, window);
        continueSequences(type, shape, type == DType.F32 ? 5e-6 : 2e-2);
      }
    }
  }

  private static void continueSequences(DType type, AttentionShape shape, double tolerance) {
    int layers = 1;
    int[] capacities = {80, 60, 310};
    int columns = shape.keyValueHeads() * shape.headSize();
    long wide = (long) shape.heads() * shape.headSize();
    try (AttentionTwins twins = new AttentionTwins(7);
        KeyValueCache cache =
            twins.fast.cache(twins.arena, type, layers, columns, capacities.clone());
        KeyValueCache plain = twins.plain.keyValueCache(layers, columns, capacities)) {
      for (int[] pass : PASSES) {
        int[] sequences = {2, 0, 1};
        int[] starts = {0, pass[2], pass[2] + pass[0], pass[2] + pass[0] + pass[1]};
        Rows rows = new Rows(sequences, starts);
        for (int layer = 0; layer < layers; layer++) {
          Pair q = twins.random(type, starts[3], wide);
          Pair k = twins.random(type, starts[3], columns, columns + 8);
          Pair v = twins.random(type, starts[3], columns);
          Tensor out = twins.result(type, starts[3], wide);
          Tensor expected = twins.expected(starts[3], wide);
          cache.attend(layer, rows, q.onDevice(), k.onDevice(), v.onDevice(), shape, out);
          plain.attend(
              layer,
              rows,
              widened(twins, q),
              widened(twins, k),
              widened(twins, v),
              shape,
              expected);
          twins.assertClose(Arrays.toString(pass), expected, out, tolerance);
        }
        cache.grow(rows);
        plain.grow(rows);
        for (int sequence : sequences) {
          assertEquals(plain.length(sequence), cache.length(sequence));
        }
      }
    }
  }

  /** The plain engine's cache holds F32. */
  private static Tensor widened(AttentionTwins twins, Pair pair) {
    return twins
        .expected(pair.host().rows(), pair.host().columns())
        .set(twins.numbers(pair.onDevice()));
  }

  @Test
  void shouldRefuseHeadsThatNoKernelTakes() {
    try (AttentionTwins twins = new AttentionTwins(1)) {
      AttentionShape shape = new AttentionShape(1, 1, 264, 1, NONE);
      Tensor tensor = twins.result(DType.F32, 4, 264);
      SparktuneException refusal =
          assertThrows(
              SparktuneException.class,
              () ->
                  twins.fast.forward(
                      tensor, tensor, tensor, new int[] {0, 4}, shape, tensor, null));
      assertEquals(ErrorCode.UNSUPPORTED, refusal.code());
    }
  }
}
