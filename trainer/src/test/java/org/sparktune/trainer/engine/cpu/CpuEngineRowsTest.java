package org.sparktune.trainer.engine.cpu;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.sparktune.trainer.engine.cpu.Twins.assertClose;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

class CpuEngineRowsTest {
  private static final double TOLERANCE = 2e-6;

  private static Twins twins;

  @BeforeAll
  static void open() {
    twins = new Twins(Precision.F32, 2, 3);
  }

  @AfterAll
  static void close() {
    twins.close();
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,13", "70,16", "130,207", "65,896", "5,4098"})
  void shouldNormalize(int rows, int columns) {
    Tensor x = twins.random(rows, columns, columns + 3);
    Tensor weight = twins.vector(columns);
    Tensor out = twins.random(rows, columns, columns + 1);
    Tensor expected = twins.copy(out);
    Tensor inverse = twins.vector(rows);
    Tensor expectedInverse = twins.vector(rows);
    twins.fast.rmsNorm(x, weight, 1e-6f, out, inverse);
    twins.plain.rmsNorm(x, weight, 1e-6f, expected, expectedInverse);
    assertClose("out", expected, out, TOLERANCE);
    assertClose("inverse", expectedInverse, inverse, TOLERANCE);

    Tensor dOut = twins.random(rows, columns);
    Tensor dWeight = twins.vector(columns);
    Tensor expectedWeight = twins.copy(dWeight).reshape(columns);
    Tensor dx = twins.random(rows, columns, columns + 2);
    Tensor expectedDx = twins.copy(dx);
    twins.fast.rmsNormGradient(dOut, x, weight, inverse, dx, true, dWeight);
    twins.plain.rmsNormGradient(dOut, x, weight, inverse, expectedDx, true, expectedWeight);
    assertClose("dx", expectedDx, dx, TOLERANCE);
    assertClose("dWeight", expectedWeight, dWeight, 1e-5);
    twins.fast.rmsNormGradient(dOut, x, weight, inverse, dx, false, null);
    twins.plain.rmsNormGradient(dOut, x, weight, inverse, expectedDx, false, null);
    assertClose("dx overwritten", expectedDx, dx, TOLERANCE);
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 16, 24, 32, 64, 96, 128})
  void shouldRotate(int headSize) {
    int[] positions = {0, 1, 2, 0, 7, 3, 9};
    Tensor cos = twins.random(10, headSize / 2);
    Tensor sin = twins.random(10, headSize / 2);
    Tensor x = twins.random(positions.length, 3L * headSize, 3L * headSize + 4);
    Tensor expected = twins.copy(x);
    for (boolean inverse : new boolean[] {false, true}) {
      twins.fast.rope(x, cos, sin, positions, headSize, inverse);
      twins.plain.rope(expected, cos, sin, positions, headSize, inverse);
      assertClose("rotated", expected, x, TOLERANCE);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,13", "70,16", "130,207", "9,4098"})
  void shouldGate(int rows, int columns) {
    Tensor gate = twins.random(rows, columns, columns + 3);
    gate.rows(0, 1).columns(0, 1).setFloat(0, -120f);
    Tensor up = twins.random(rows, columns);
    Tensor out = twins.random(rows, columns, columns + 1);
    Tensor expected = twins.copy(out);
    twins.fast.swiglu(gate, up, out);
    twins.plain.swiglu(gate, up, expected);
    assertClose("out", expected, out, TOLERANCE);
    Tensor dOut = twins.random(rows, columns);
    Tensor expectedGate = twins.copy(gate);
    Tensor expectedUp = twins.copy(up);
    twins.plain.swigluGradient(dOut, gate, up, expectedGate, expectedUp);
    twins.fast.swigluGradient(dOut, gate, up, gate, up);
    assertClose("dGate", expectedGate, gate, TOLERANCE);
    assertClose("dUp", expectedUp, up, TOLERANCE);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,13", "70,1207"})
  void shouldRoundGatesOnRequest(int rows, int columns) {
    Tensor gate = twins.random(rows, columns);
    Tensor up = twins.random(rows, columns);
    Tensor dOut = twins.random(rows, columns);
    Tensor exact = twins.random(rows, columns);
    Tensor exactUp = twins.random(rows, columns);
    Tensor rounded = twins.roundedRandom(rows, columns);
    Tensor roundedUp = twins.roundedRandom(rows, columns);
    twins.fast.swiglu(gate, up, exact);
    twins.fast.swiglu(gate, up, rounded);
    assertRounded(exact, twins.widened(rounded));
    twins.fast.swigluGradient(dOut, gate, up, exact, exactUp);
    twins.fast.swigluGradient(dOut, gate, up, rounded, roundedUp);
    assertRounded(exact, twins.widened(rounded));
    assertRounded(exactUp, twins.widened(roundedUp));
  }

  private static void assertRounded(Tensor exact, Tensor rounded) {
    for (long i = 0; i < exact.size(); i++) {
      float expected = exact.getFloat(i);
      assertEquals(expected, rounded.getFloat(i), Math.abs(expected) * 0x1p-8f);
    }
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,13", "130,207"})
  void shouldAdd(int rows, int columns) {
    Tensor x = twins.random(rows, columns, columns + 3);
    Tensor y = twins.random(rows, columns, columns + 1);
    Tensor expected = twins.copy(y);
    twins.fast.add(x, y);
    twins.plain.add(x, expected);
    assertClose("sum", expected, y, 0);
  }

  @ParameterizedTest
  @CsvSource({"1,1", "3,13", "70,300", "130,1207", "9,4098"})
  void shouldScaleSumAndDropColumns(int rows, int columns) {
    Tensor x = twins.random(rows, columns, columns + 3);
    Tensor other = twins.random(rows, columns);
    Tensor scale = twins.vector(columns);
    Tensor bias = twins.vector(columns);
    Tensor out = twins.random(rows, columns, columns + 1);
    Tensor expected = twins.copy(out);
    twins.fast.scaleColumns(x, scale, bias, out, true);
    twins.plain.scaleColumns(x, scale, bias, expected, true);
    assertClose("scaled and added", expected, out, 0);
    twins.fast.scaleColumns(x, scale, null, out, false);
    twins.plain.scaleColumns(x, scale, null, expected, false);
    assertClose("scaled", expected, out, 0);

    Tensor dots = twins.vector(columns);
    Tensor expectedDots = twins.copy(dots).reshape(columns);
    twins.fast.columnDots(x, other, dots);
    twins.plain.columnDots(x, other, expectedDots);
    assertClose("column dots", expectedDots, dots, 0);

    twins.fast.dropout(x, 5, 0.3f, out, true);
    twins.plain.dropout(x, 5, 0.3f, expected, true);
    assertClose("dropped and added", expected, out, 0);
    twins.fast.dropout(x, 6, 0.3f, out, false);
    twins.plain.dropout(x, 6, 0.3f, expected, false);
    assertClose("dropped", expected, out, 0);
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 13, 64, 300})
  void shouldEmbed(int columns) {
    int[] ids = {3, 0, 7, 3, 3, 6};
    Tensor table = twins.random(8, columns);
    Tensor out = twins.random(ids.length, columns, columns + 2);
    Tensor expected = twins.copy(out);
    for (DType type : new DType[] {DType.F32, DType.BF16, DType.F16}) {
      Tensor typed = twins.plain.allocate(type, 8, columns);
      for (long i = 0; i < typed.size(); i++) {
        switch (type) {
          case F32 -> typed.setFloat(i, table.getFloat(i));
          case BF16, F16 ->
              Memory.putShort(typed.address() + 2 * i, (short) (0x3000 + 0x37 * i % 0x1000));
          case I32, I8 -> throw new AssertionError(type);
        }
      }
      twins.fast.embed(typed, ids, out);
      twins.plain.embed(typed, ids, expected);
      assertClose(type + " rows", expected, out, 0);
    }
    Tensor dTable = twins.copy(table);
    Tensor expectedTable = twins.copy(table);
    twins.fast.embedGradient(out, ids, dTable);
    twins.plain.embedGradient(out, ids, expectedTable);
    assertClose("gradient", expectedTable, dTable, TOLERANCE);
  }

  @Test
  void shouldConvertHalvesLikeTheFormatSays() {
    for (int bits = 0; bits < 0x10000; bits++) {
      float value = Conversions.halfToFloat((short) bits);
      int exponent = (bits >>> 10) & 0x1f;
      int mantissa = bits & 0x3ff;
      double magnitude =
          exponent == 0
              ? mantissa * 0x1p-24
              : exponent == 31
                  ? (mantissa == 0 ? Double.POSITIVE_INFINITY : Double.NaN)
                  : (1 + mantissa / 1024.0) * Math.pow(2, exponent - 15);
      double expected = (bits & 0x8000) == 0 ? magnitude : -magnitude;
      org.junit.jupiter.api.Assertions.assertEquals((float) expected, value);
    }
  }
}
