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

  /** Tensors of one case, the gradients' twins last. */
  private record Case(
      int[] starts,
      AttentionShape shape,
      DType type,
      Pair q,
      Pair k,
      Pair v,
      Pair dOut,
      Tensor out,
      Tensor sums,
      Tensor dq,
      Tensor dk,
      Tensor dv) {}

  @ParameterizedTest
  @MethodSource("cases")
  void shouldAttendAsThePlainEngineAndTheSameEveryTime(
      DType type, int[] starts, int heads, int shared, int size, int window) {
    try (AttentionTwins twins = new AttentionTwins(size)) {
      int rows = starts[starts.length - 1];
      long wide = (long) heads * size;
      long narrow = (long) shared * size;
      AttentionShape shape =
          new AttentionShape(heads, shared, size, (float) (1 / Math.sqrt(size)), window);
      Case expected =
          new Case(
              starts,
              shape,
              type,
              twins.random(type, rows, wide, wide + 2 * narrow),
              twins.random(type, rows, narrow, narrow + 8),
              twins.random(type, rows, narrow),
              twins.random(type, rows, wide),
              twins.expected(rows, wide),
              twins.expected(rows, heads),
              twins.expected(rows, wide),
              twins.expected(rows, narrow),
              twins.expected(rows, narrow));
      attendOnTheHost(twins, expected);
      for (CudaAttention attention : twins.choices) {
        compare(twins, attention, expected);
      }
    }
  }

  private static void attendOnTheHost(AttentionTwins twins, Case expected) {
    Tensor q = expected.q().host();
    Tensor k = expected.k().host();
    Tensor v = expected.v().host();
    Tensor out = expected.out();
    Tensor sums = expected.sums();
    twins.plain.attention(q, k, v, expected.starts(), expected.shape(), out, sums);
    twins.plain.attentionGradient(
        expected.dOut().host(),
        q,
        k,
        v,
        out,
        sums,
        expected.starts(),
        expected.shape(),
        expected.dq(),
        expected.dk(),
        expected.dv());
  }

  private static void compare(AttentionTwins twins, CudaAttention attention, Case expected) {
    double tolerance = expected.type() == DType.F32 ? 5e-6 : 2e-2;
    Case first = attendOnTheGpu(twins, attention, expected);
    twins.assertClose("out", expected.out(), first.out(), tolerance);
    twins.assertClose("log-sum-exp", expected.sums(), first.sums(), 5e-6);
    twins.assertClose("dq", expected.dq(), first.dq(), tolerance);
    twins.assertClose("dk", expected.dk(), first.dk(), tolerance);
    twins.assertClose("dv", expected.dv(), first.dv(), tolerance);
    Case again = attendOnTheGpu(twins, attention, expected);
    assertArrayEquals(twins.numbers(first.out()), twins.numbers(again.out()));
    assertArrayEquals(twins.numbers(first.dq()), twins.numbers(again.dq()));
    assertArrayEquals(twins.numbers(first.dk()), twins.numbers(again.dk()));
    assertArrayEquals(twins.numbers(first.dv()), twins.numbers(again.dv()));
  }

  private static Case attendOnTheGpu(AttentionTwins twins, CudaAttention attention, Case expected) {
    DType type = expected.type();
    long rows = expected.out().rows();
    long wide = expected.out().columns();
    long narrow = expected.dk().columns();
    Case result =
        new Case(
            expected.starts().clone(),
            expected.shape(),
            type,
            expected.q(),
            expected.k(),
            expected.v(),
            expected.dOut(),
            twins.result(type, rows, wide),
            twins.result(DType.F32, rows, expected.shape().heads()),
            twins.result(type, rows, wide, wide + 8),
            twins.result(type, rows, narrow),
            twins.result(type, rows, narrow));
    Tensor q = expected.q().onDevice();
    Tensor k = expected.k().onDevice();
    Tensor v = expected.v().onDevice();
    attention.forward(q, k, v, result.starts(), result.shape(), result.out(), result.sums());
    attention.gradient(
        expected.dOut().onDevice(),
        q,
        k,
        v,
        result.out(),
        result.sums(),
        result.starts(),
        result.shape(),
        result.dq(),
        result.dk(),
        result.dv());
    return result;
  }

  /** What one pass gives to each of three sequences: rows for tiles, single rows, both. */
  private static final int[][] PASSES = {{70, 9, 290}, {1, 1, 1}, {1, 40, 0}, {2, 3, 1}};

  @ParameterizedTest
  @EnumSource(
      value = DType.class,
      names = {"F32", "BF16"})
  void shouldContinueSequencesAsThePlainEngine(DType type) {
    double tolerance = type == DType.F32 ? 5e-6 : 2e-2;
    continueSequences(type, new AttentionShape(10, 1, 20, 0.2f, NONE), tolerance);
    continueSequences(type, new AttentionShape(7, 1, 64, 0.2f, 50), tolerance);
    continueSequences(type, new AttentionShape(4, 2, 128, 0.2f, NONE), tolerance);
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
