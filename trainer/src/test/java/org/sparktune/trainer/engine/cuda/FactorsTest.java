package org.sparktune.trainer.engine.cuda;

import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRankGradient;
import org.sparktune.trainer.engine.LowRanks;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Thin factors within products and their gradients in one pass, against plain loops. */
@Tag("gpu")
class FactorsTest {
  private static final float SCALE = 0.125f;
  private DeviceTwins twins;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(21);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, 8, 40, 8, 0, 0",
    "130, 16, 264, 896, 128, 128",
    "300, 16, 896, 16, 0, 0",
    "513, 32, 72, 304, 1000, 0",
    "257, 64, 512, 24, 0, 0"
  })
  void shouldMakeGradientsOfAllFactorsInOnePass(
      int rows, int rank, int firstModule, int second, int third, int offset) {
    int[] widths =
        third == 0 ? new int[] {firstModule, second} : new int[] {firstModule, second, third};
    int columns = 0;
    for (int width : widths) {
      columns += width;
    }
    Twin dy = twins.random(DType.BF16, rows, columns, offset);
    Twin t = twins.random(DType.BF16, rows, (long) widths.length * rank, 0);
    Twin d = twins.random(DType.BF16, rows, (long) widths.length * rank, 0);
    List<LowRankGradient> there = new ArrayList<>();
    List<LowRankGradient> here = new ArrayList<>();
    List<Twin> dUps = new ArrayList<>();
    int column = 0;
    for (int i = 0; i < widths.length; i++) {
      // Whole numbers over eight: exact in BF16, and so is their product with the scale.
      Twin up = twins.random(DType.BF16, widths[i], rank, 0);
      Tensor single = twins.send(DType.F32, up.plain()).there();
      Twin dUp = twins.random(DType.F32, widths[i], rank, 0);
      dUps.add(dUp);
      Twin own = t.columns((long) i * rank, (i + 1L) * rank);
      Twin dOwn = d.columns((long) i * rank, (i + 1L) * rank);
      there.add(
          new LowRankGradient(
              new LowRank(own.there(), single, SCALE, column), dUp.there(), dOwn.there()));
      here.add(
          new LowRankGradient(
              new LowRank(own.plain(), up.plain(), SCALE, column), dUp.plain(), dOwn.plain()));
      column += widths[i];
    }
    twins.plain.lowRankGradients(dy.plain(), here);
    try (FactorGradients gradients = new FactorGradients(twins.device, twins.kernels)) {
      assertTrue(gradients.canAdd(dy.there(), there));
      gradients.add(dy.there(), there);
    }
    twins.assertClose("d", d, 2e-2);
    for (Twin dUp : dUps) {
      twins.assertClose("dUp", dUp, 1e-3);
    }
  }

  @ParameterizedTest
  @CsvSource({"1, 64, 8, 4, 24, 40", "64, 1536, 16, 512, 256, 8", "7, 8960, 32, 72, 264, 0"})
  void shouldMakeFewRowsOfAnAdaptedProduct(
      int rows, int in, int rank, int firstModule, int second, int third) {
    int[] widths =
        third == 0 ? new int[] {firstModule, second} : new int[] {firstModule, second, third};
    int out = firstModule + second + third;
    int ranks = widths.length * rank;
    Twin x = twins.random(DType.BF16, rows, in + Factors.EXTENSION, 0).columns(0, in);
    Twin whole = twins.random(DType.BF16, out + Factors.EXTENSION, in + Factors.EXTENSION, 0);
    Twin down = twins.send(DType.F32, twins.random(DType.BF16, ranks, in, 0).plain());
    Twin reduced = twins.random(DType.BF16, rows, ranks, 0);
    Twin y = twins.random(DType.BF16, rows, out, 0);
    List<LowRank> here = new ArrayList<>();
    List<LowRank> there = new ArrayList<>();
    int column = 0;
    for (int i = 0; i < widths.length; i++) {
      Twin up = twins.send(DType.F32, twins.random(DType.BF16, widths[i], rank, 0).plain());
      Twin own = reduced.columns((long) i * rank, (i + 1L) * rank);
      here.add(new LowRank(own.plain(), up.plain(), SCALE, column));
      there.add(new LowRank(own.there(), up.there(), SCALE, column));
      column += widths[i];
    }
    Tensor operand = whole.there().rows(0, out).columns(0, in);
    CudaWeight weight = new CudaWeight(operand, null, whole.there());
    LowRanks thin = new LowRanks(down.there(), reduced.there(), there);
    assertTrue(new Factors(twins.kernels).canReduce(x.there(), weight, thin));
    try (Products products =
        new Products(twins.device, twins.kernels, new Conversions(twins.kernels))) {
      products.linear(x.there(), weight, null, null, y.there(), thin);
    }
    Weight plain = twins.plain.freeze(whole.plain().rows(0, out).columns(0, in));
    twins.plain.product(false, x.plain(), true, down.plain(), 1, 0, reduced.plain());
    twins.assertClose("t", reduced);
    // What follows is exact but for y's own rounding, once t is rounded as there.
    reduced.plain().set(twins.read(reduced.there()));
    twins.plain.linear(x.plain(), plain, null, y.plain(), false, here);
    twins.assertClose("y", y);
  }
}
