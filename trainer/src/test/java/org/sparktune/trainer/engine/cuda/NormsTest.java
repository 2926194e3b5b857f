package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

@Tag("gpu")
class NormsTest {
  private static final float EPS = 1e-5f;

  private DeviceTwins twins;
  private ColumnSums sums;
  private Norms norms;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(11);
    sums = new ColumnSums(twins.device, twins.kernels);
    norms = new Norms(twins.kernels, sums);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      sums.close();
      twins.close();
    }
  }

  /** Rows of a warp and of a block, whole packs and not, and more than a block holds. */
  @ParameterizedTest
  @CsvSource({
    "F32,  1,   1,     0",
    "F32,  3,   7,     2",
    "F32,  130, 64,    0",
    "F32,  9,   896,   4",
    "F32,  5,   1536,  3",
    "F32,  4,   4098,  0",
    "F32,  2,   20000, 0",
    "BF16, 2,   13,    0",
    "BF16, 67,  128,   8",
    "BF16, 70,  896,   0",
    "BF16, 5,   1536,  8",
    "BF16, 5,   4096,  0",
    "BF16, 3,   4098,  1",
    "BF16, 2,   33000, 8"
  })
  void shouldNormalizeAsTheFormulaReads(DType type, int rows, int columns, int offset) {
    Twin x = twins.random(type, rows, columns, offset);
    Twin weight = twins.vector(columns, 0.5, 1.5);
    Twin out = twins.random(type, rows, columns, offset);
    Twin inverse = twins.vector(rows, 0, 1);
    twins.plain.rmsNorm(x.plain(), weight.plain(), EPS, out.plain(), inverse.plain());
    norms.normalize(x.there(), weight.there(), EPS, out.there(), inverse.there());
    twins.assertClose("out", out);
    twins.assertClose("inverse RMS", inverse);

    Twin dOut = twins.random(type, rows, columns, offset);
    Twin dx = twins.random(type, rows, columns, offset);
    Twin dWeight = twins.vector(columns, -1, 1);
    for (boolean accumulate : new boolean[] {false, true}) {
      twins.plain.rmsNormGradient(
          dOut.plain(),
          x.plain(),
          weight.plain(),
          inverse.plain(),
          dx.plain(),
          accumulate,
          dWeight.plain());
      norms.gradient(
          dOut.there(),
          x.there(),
          weight.there(),
          inverse.there(),
          dx.there(),
          accumulate,
          dWeight.there());
      // The second time, what the first rounded is added to.
      twins.assertClose("dx", dx, 2 * DeviceTwins.tolerance(type));
      twins.assertClose("dWeight", dWeight, 2e-5);
    }
  }

  @ParameterizedTest
  @CsvSource({"F32", "BF16"})
  void shouldGiveTheSameBitsAgain(DType type) {
    Twin x = twins.random(type, 500, 1536, 0);
    Twin dOut = twins.random(type, 500, 1536, 0);
    Twin inverse = twins.vector(500, 0.5, 1);
    Twin weight = twins.vector(1536, 0.5, 1.5);
    Twin dx = twins.random(type, 500, 1536, 0);
    float[][] results = new float[2][];
    for (int i = 0; i < 2; i++) {
      Twin dWeight = twins.vector(1536, 0, 1e-300);
      norms.gradient(
          dOut.there(),
          x.there(),
          weight.there(),
          inverse.there(),
          dx.there(),
          false,
          dWeight.there());
      results[i] = twins.read(dWeight.there());
    }
    assertArrayEquals(results[0], results[1]);
  }
}
