package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

/** F32 results have the processor's bits: every operation is rounded by itself. */
@Tag("gpu")
class ElementOperatorsTest {
  private DeviceTwins twins;
  private ElementOperators elements;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(16);
    elements = new ElementOperators(twins.kernels);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  private static double tolerance(DType type) {
    return type == DType.F32 ? 0 : DeviceTwins.tolerance(type);
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  1,  1,    0",
    "F32,  1,  4099, 0",
    "F32,  13, 207,  3",
    "F32,  13, 208,  4",
    "BF16, 1,  4099, 0",
    "BF16, 13, 207,  3",
    "BF16, 65, 896,  8"
  })
  void shouldAddScaleAndDropAsTheProcessorDoes(DType type, int rows, int columns, int offset) {
    Twin x = twins.random(type, rows, columns, offset);
    Twin y = twins.random(type, rows, columns, offset);
    twins.plain.add(x.plain(), y.plain());
    elements.add(x.there(), y.there());
    twins.assertClose("sum", y, tolerance(type));

    Twin scale = twins.vector(columns, -1, 1);
    Twin bias = twins.vector(columns, -1, 1);
    Twin out = twins.random(type, rows, columns, offset);
    Twin added = twins.random(type, rows, columns, offset);
    twins.plain.scaleColumns(x.plain(), scale.plain(), null, out.plain(), false);
    elements.scaleColumns(x.there(), scale.there(), null, out.there(), false);
    twins.assertClose("scaled", out, tolerance(type));
    twins.plain.scaleColumns(x.plain(), scale.plain(), bias.plain(), added.plain(), true);
    elements.scaleColumns(x.there(), scale.there(), bias.there(), added.there(), true);
    twins.assertClose("scaled and added", added, tolerance(type));

    Twin dropped = twins.random(type, rows, columns, offset);
    twins.plain.dropout(x.plain(), 7_000_000_000L, 0.3f, dropped.plain(), false);
    elements.dropout(x.there(), 7_000_000_000L, 0.3f, dropped.there(), false);
    twins.assertClose("dropped", dropped, tolerance(type));
    Twin kept = twins.random(type, rows, columns, offset);
    twins.plain.dropout(x.plain(), -5, 0.05f, kept.plain(), true);
    elements.dropout(x.there(), -5, 0.05f, kept.there(), true);
    twins.assertClose("dropped and added", kept, tolerance(type));
  }

  @Test
  void shouldDivideAndFill() {
    Twin a = twins.vector(1001, -1, 1);
    Twin b = twins.vector(1001, 0.1, 3);
    Twin out = twins.vector(1001, -1, 1);
    twins.plain.divide(a.plain(), b.plain(), out.plain(), true);
    elements.divide(a.there(), b.there(), out.there(), true);
    twins.assertClose("quotients", out, 0);
    twins.plain.divide(a.plain(), b.plain(), out.plain(), false);
    elements.divide(a.there(), b.there(), out.there(), false);
    twins.assertClose("quotients", out, 0);

    Twin wide = twins.random(DType.F32, 13, 30, 0);
    twins.plain.fill(wide.columns(3, 20).plain(), 0.25f);
    elements.fill(wide.columns(3, 20).there(), 0.25f);
    twins.assertClose("filled", wide, 0);
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "37, 3", "207, 16", "65, 64"})
  void shouldTakeNormsOfAdaptedRows(int rows, int rank) {
    Twin squares = twins.vector(rows, 1000, 2000);
    Twin up = twins.random(DType.F32, rows, rank, 1);
    Twin downWeight = twins.random(DType.F32, rank, rows, 0);
    Twin downDown = twins.random(DType.F32, rank, rank, 0);
    Twin norms = twins.vector(rows, 0, 1);
    twins.plain.adaptedRowNorms(
        squares.plain(), up.plain(), downWeight.plain(), downDown.plain(), 0.5f, norms.plain());
    elements.adaptedRowNorms(
        squares.there(), up.there(), downWeight.there(), downDown.there(), 0.5f, norms.there());
    twins.assertClose("norms", norms, 1e-6);
  }
}
