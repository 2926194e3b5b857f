package org.sparktune.trainer.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.sparktune.trainer.engine.cpu.Twins.assertClose;
import static org.sparktune.trainer.engine.cpu.Twins.tolerance;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

class CpuEngineProductsTest {

  /** Thin products over two parts of the columns that meet away from a block's edge. */
  private static List<LowRank> lowRanks(Twins twins, int rows, int out) {
    int first = out / 3;
    Tensor reduced = twins.random(rows, 11);
    List<LowRank> added = new ArrayList<>();
    added.add(new LowRank(reduced.columns(0, 8), twins.random(out - first, 8), 0.5f, first));
    if (first > 0) {
      added.add(new LowRank(reduced.columns(8, 11), twins.random(first, 3), 2, 0));
    }
    return added;
  }

  static Stream<Arguments> sizes() {
    int[][] sizes = {
      {1, 13, 7},
      {2, 64, 129},
      {4, 207, 130},
      {5, 1, 1},
      {13, 207, 64},
      {64, 33, 700},
      {91, 40, 520},
      {207, 64, 13},
      {300, 17, 8},
      {321, 96, 1000}
    };
    return Stream.of(sizes)
        .flatMap(
            size ->
                Stream.of(Precision.values())
                    .map(precision -> Arguments.of(precision, size[0], size[1], size[2])));
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void shouldMultiplyByAMatrix(Precision precision, int rows, int in, int out) {
    try (Twins twins = new Twins(precision, 2, rows * 31L + in)) {
      Tensor matrix = twins.random(out, in);
      Weight fast = twins.fast.freeze(matrix);
      Weight plain = twins.plain.freeze(matrix);
      Tensor x = twins.random(rows, in, in + 5);
      Tensor bias = twins.vector(out);
      Tensor y = twins.random(rows, out, out + 3);
      Tensor expected = twins.copy(y);
      twins.fast.linear(x, fast, bias, y, true);
      twins.plain.linear(x, plain, bias, expected, true);
      assertClose("accumulated", expected, y, tolerance(precision));
      twins.fast.linear(x, fast, null, y, false);
      twins.plain.linear(x, plain, null, expected, false);
      assertClose("overwritten", expected, y, tolerance(precision));
      twins.fast.logits(x, fast, y);
      assertClose("logits", expected, y, tolerance(precision));
      List<LowRank> added = lowRanks(twins, rows, out);
      twins.fast.linear(x, fast, bias, y, true, added);
      twins.plain.linear(x, plain, bias, expected, true, added);
      assertClose("with thin products", expected, y, tolerance(precision));

      Tensor dy = twins.random(rows, out, out + 2);
      Tensor dx = twins.random(rows, in, in + 1);
      Tensor expectedDx = twins.copy(dx);
      twins.fast.linearInputGradient(dy, fast, dx, true);
      twins.plain.linearInputGradient(dy, plain, expectedDx, true);
      assertClose("input gradient", expectedDx, dx, tolerance(precision));
      twins.fast.linearInputGradient(dy, fast, dx, false);
      twins.plain.linearInputGradient(dy, plain, expectedDx, false);
      assertClose("input gradient overwritten", expectedDx, dx, tolerance(precision));

      Tensor dWeight = twins.random(out, in);
      Tensor dBias = twins.vector(out);
      Tensor expectedWeight = twins.copy(dWeight);
      Tensor expectedBias = twins.copy(dBias).reshape(out);
      twins.fast.linearWeightGradient(dy, x, dWeight, dBias);
      twins.plain.linearWeightGradient(dy, x, expectedWeight, expectedBias);
      assertClose("weight gradient", expectedWeight, dWeight, tolerance(precision));
      assertClose("bias gradient", expectedBias, dBias, 2e-6);
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void shouldMultiplyByAMatrixInTheLibrarysLayout(Precision precision, int rows, int in, int out) {
    try (Twins twins = new Twins(precision, 2, rows * 37L + in)) {
      Tensor matrix = twins.random(out, in);
      Weight plain = twins.plain.freeze(twins.copy(matrix));
      Weight fast = twins.fast.freezeForTraining(matrix);
      assertEquals(out, fast.out());
      assertEquals(in, fast.in());
      matrix.zero();
      Tensor x = twins.random(rows, in, in + 5);
      Tensor bias = twins.vector(out);
      Tensor y = twins.random(rows, out, out + 3);
      Tensor expected = twins.copy(y);
      List<LowRank> added = lowRanks(twins, rows, out);
      twins.fast.linear(x, fast, bias, y, true, added);
      twins.plain.linear(x, plain, bias, expected, true, added);
      assertClose("accumulated", expected, y, tolerance(precision));
      twins.fast.linear(x, fast, null, y, false);
      twins.plain.linear(x, plain, null, expected, false);
      assertClose("overwritten", expected, y, tolerance(precision));

      Tensor dy = twins.random(rows, out, out + 2);
      Tensor dx = twins.random(rows, in, in + 1);
      Tensor expectedDx = twins.copy(dx);
      twins.fast.linearInputGradient(dy, fast, dx, true);
      twins.plain.linearInputGradient(dy, plain, expectedDx, true);
      assertClose("input gradient", expectedDx, dx, tolerance(precision));
      twins.fast.linearInputGradient(dy, fast, dx, false);
      twins.plain.linearInputGradient(dy, plain, expectedDx, false);
      assertClose("input gradient overwritten", expectedDx, dx, tolerance(precision));
    }
  }

  @ParameterizedTest
  @MethodSource("sizes")
  void shouldMultiplyThinMatrices(Precision precision, int rows, int inner, int columns) {
    try (Twins twins = new Twins(precision, 2, rows * 17L + inner)) {
      for (int transposes = 0; transposes < 4; transposes++) {
        boolean left = (transposes & 1) != 0;
        boolean right = (transposes & 2) != 0;
        Tensor a =
            left ? twins.random(inner, rows, rows + 4) : twins.random(rows, inner, inner + 1);
        Tensor b = right ? twins.random(columns, inner) : twins.random(inner, columns, columns + 9);
        Tensor c = twins.random(rows, columns, columns + 2);
        Tensor expected = twins.copy(c);
        twins.fast.product(left, a, right, b, 0.5f, 1, c);
        twins.plain.product(left, a, right, b, 0.5f, 1, expected);
        assertClose("product", expected, c, 2e-6);
        twins.fast.product(left, a, right, b, 2, 0, c);
        twins.plain.product(left, a, right, b, 2, 0, expected);
        assertClose("product overwritten", expected, c, 2e-6);
      }
    }
  }

  @ParameterizedTest
  @CsvSource({"1,13,7", "5,64,129", "64,512,8", "130,40,520"})
  void shouldTakeOperandsThatAreRoundedAlready(int rows, int in, int out) {
    try (Twins twins = new Twins(Precision.BF16, 2, rows + in)) {
      Tensor rounded = twins.roundedRandom(rows, in);
      Tensor x = twins.widened(rounded);
      Weight weight = twins.fast.freezeForTraining(twins.random(out, in));
      Tensor y = twins.random(rows, out);
      Tensor expected = twins.copy(y);
      twins.fast.linear(x, weight, null, expected, false);
      twins.fast.linear(rounded, weight, null, y, false);
      assertClose("linear", expected, y, 0);
      Tensor factor = twins.random(out, in);
      twins.plain.product(false, x, true, factor, 0.5f, 0, expected);
      twins.fast.product(false, rounded, true, factor, 0.5f, 0, y);
      assertClose("product", expected, y, tolerance(Precision.BF16));
      Tensor transposed = twins.random(in, out);
      Tensor right = twins.random(rows, out);
      Tensor expectedTransposed = twins.copy(transposed);
      twins.plain.product(true, x, false, right, 2, 1, expectedTransposed);
      twins.fast.product(true, rounded, false, right, 2, 1, transposed);
      assertClose("transposed", expectedTransposed, transposed, tolerance(Precision.BF16));
    }
  }

  @ParameterizedTest
  @MethodSource("precisions")
  void shouldTakeUpNewValuesOfATrackedMatrix(Precision precision) {
    try (Twins twins = new Twins(precision, 2, 5)) {
      Tensor matrix = twins.random(40, 24);
      Weight tracked = twins.fast.track(matrix);
      Tensor x = twins.random(9, 24);
      Tensor y = twins.random(9, 40);
      Tensor expected = twins.copy(y);
      matrix.copyFrom(twins.random(40, 24));
      twins.fast.refresh(tracked);
      twins.fast.linear(x, tracked, null, y, false);
      twins.plain.linear(x, twins.plain.freeze(matrix), null, expected, false);
      assertClose("linear", expected, y, tolerance(precision));
    }
  }

  static Stream<Precision> precisions() {
    return Stream.of(Precision.values());
  }

  @ParameterizedTest
  @CsvSource({"1,64", "512,512", "896,896", "897,4864", "9728,896"})
  void shouldCoverEveryElementOnceWhenPanelsAreGiven(int columns, int inner) {
    int width = PackedMatrix.panelWidth(columns);
    PackedMatrix matrix = new PackedMatrix(inner, columns, false, width, List.of());
    for (int rows = 1; rows < 1100; rows += 1 + rows / 40) {
      BlockGrid grid = BlockGrid.ofPanels(rows, matrix);
      long covered = 0;
      for (int index = 0; index < grid.count(); index++) {
        assertTrue(grid.rows(index) > 0 && grid.rows(index) <= 256, grid.toString());
        assertTrue(grid.columns(index) > 0 && grid.columns(index) <= width, grid.toString());
        assertEquals(0, grid.column(index) % width, grid.toString());
        covered += (long) grid.rows(index) * grid.columns(index);
      }
      assertEquals((long) rows * columns, covered, grid.toString());
    }
  }

  @ParameterizedTest
  @CsvSource({"1,64", "8,512", "896,896", "4864,151936", "30000,3000"})
  void shouldCoverEveryElementOnceWhenCuttingIntoBlocks(int columns, int inner) {
    for (int rows = 1; rows < 1100; rows += 1 + rows / 40) {
      BlockGrid grid = BlockGrid.of(rows, columns, inner);
      long covered = 0;
      for (int index = 0; index < grid.count(); index++) {
        assertTrue(grid.rows(index) > 0 && grid.rows(index) <= 256, grid.toString());
        assertTrue(grid.columns(index) > 0 && grid.columns(index) <= 640, grid.toString());
        assertTrue(grid.row(index) + grid.rows(index) <= rows, grid.toString());
        assertTrue(grid.column(index) + grid.columns(index) <= columns, grid.toString());
        covered += (long) grid.rows(index) * grid.columns(index);
      }
      assertEquals((long) rows * columns, covered, grid.toString());
    }
  }

  @Test
  void shouldFallBackToOpenBlas() {
    try (PlainTwin twin = new PlainTwin()) {
      twin.compare();
    }
  }

  /** OpenBLAS beside oneDNN on one product. */
  private static final class PlainTwin implements AutoCloseable {
    private final Twins twins = new Twins(Precision.F32, 2, 11);
    private final CpuEngine engine = new CpuEngine(Precision.F32, 2, new OpenBlasGemm.OpenBlas());

    void compare() {
      Tensor matrix = twins.random(130, 70);
      Tensor x = twins.random(33, 70, 75);
      Tensor bias = twins.vector(130);
      Tensor y = twins.random(33, 130);
      Tensor expected = twins.copy(y);
      engine.linear(x, engine.freeze(matrix), bias, y, false);
      twins.plain.linear(x, twins.plain.freeze(matrix), bias, expected, false);
      assertClose("OpenBLAS", expected, y, 2e-6);
    }

    @Override
    public void close() {
      engine.close();
      twins.close();
    }
  }
}
