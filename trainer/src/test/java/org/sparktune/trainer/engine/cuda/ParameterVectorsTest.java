package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices.Range;
import org.sparktune.trainer.engine.VectorOperators.AdamWStep;
import org.sparktune.trainer.engine.VectorOperators.Stretch;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;

@Tag("gpu")
class ParameterVectorsTest {
  private DeviceTwins twins;
  private ParameterVectors vectors;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(17);
    vectors = new ParameterVectors(twins.device, twins.kernels, twins.staging);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      vectors.close();
      twins.close();
    }
  }

  @Test
  void shouldUpdateAsTheProcessorDoesToTheBit() {
    int size = 60_000;
    Twin parameters = twins.vector(size, -1, 1);
    Twin gradients = twins.vector(size, -1e-2, 1e-2);
    Twin first = twins.vector(size, -1e-2, 1e-2);
    Twin second = twins.vector(size, 0, 1e-4);
    // On and off the beginnings of packs, longer and shorter than a block, one of them empty.
    List<Stretch> stretches =
        List.of(
            new Stretch(0, 0, 8192, true),
            new Stretch(8193, 8192, 30_001, false),
            new Stretch(40_000, 40_000, 0, true),
            new Stretch(40_004, 40_000, 9, true),
            new Stretch(41_000, 41_000, 18_000, true));
    for (int step = 1; step <= 3; step++) {
      AdamWStep scalars =
          new AdamWStep(
              0.75f,
              0.999f,
              0.1f,
              0.999f,
              0.001f,
              (float) Math.sqrt(1 - Math.pow(0.999, step)),
              1e-8f,
              (float) (-1e-3 / (1 - Math.pow(0.9, step))));
      twins.plain.adamW(
          scalars, stretches, parameters.plain(), gradients.plain(), first.plain(), second.plain());
      vectors.adamW(
          scalars, stretches, parameters.there(), gradients.there(), first.there(), second.there());
    }
    assertArrayEquals(parameters.plain().toFloatArray(), twins.read(parameters.there()));
    assertArrayEquals(first.plain().toFloatArray(), twins.read(first.there()));
    assertArrayEquals(second.plain().toFloatArray(), twins.read(second.there()));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 1023, 1024, 1025, 5000, 1_000_003})
  void shouldAddSquaresToTheSameBitsHoweverTheyAreCut(int size) {
    Twin vector = twins.vector(size, -3, 3);
    ExactSum whole = new ExactSum();
    vectors.addSquares(vector.there(), new Range(0, size), whole);
    double expected = twins.plain.squaredNorm(vector.plain());
    assertEquals(expected, whole.value(), 1e-13 * expected);
    ExactSum cut = new ExactSum();
    for (int from = 0; from < size; ) {
      int to = Math.min(size, from + 1024 * (1 + twins.random.nextInt(200)));
      vectors.addSquares(vector.there(), new Range(from, to), cut);
      from = to;
    }
    assertEquals(whole.value(), cut.value());
    vectors.addSquares(vector.there(), new Range(0, size), cut);
    assertEquals(2 * whole.value(), cut.value());
  }

  @Test
  void shouldAddSquaresOfNumbersOfAllMagnitudes() {
    Twin vector = twins.vector(4096, -1, 1);
    for (int i = 0; i < 4096; i++) {
      vector.plain().setFloat(i, Math.scalb(vector.plain().getFloat(i), i % 250 - 130));
    }
    vector = twins.send(vector.there().type(), vector.plain());
    ExactSum sum = new ExactSum();
    vectors.addSquares(vector.there(), new Range(0, 4096), sum);
    double expected = twins.plain.squaredNorm(vector.plain());
    assertEquals(expected, sum.value(), 1e-13 * expected);
    vector.plain().setFloat(2000, Float.POSITIVE_INFINITY);
    vector = twins.send(vector.there().type(), vector.plain());
    vectors.addSquares(vector.there(), new Range(0, 4096), sum);
    assertTrue(Double.isNaN(sum.value()));
  }
}
