package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;

@Tag("gpu")
class LogitRowsTest {
  private DeviceTwins twins;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(19);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  /** Rows that registers hold, that shared memory holds with them, and that neither does. */
  @ParameterizedTest
  @CsvSource({
    "F32,  3, 1",
    "F32,  5, 207",
    "F32,  2, 32064",
    "F32,  2, 151936",
    "BF16, 3, 1",
    "BF16, 7, 1003",
    "BF16, 2, 32064",
    "BF16, 5, 64001",
    "BF16, 2, 128256",
    "BF16, 3, 151936",
    "BF16, 2, 200001"
  })
  void shouldScoreTargetsAndDifferentiate(DType type, int rows, int columns) {
    LogitRows logitRows = new LogitRows(twins.device, twins.kernels);
    int padding = (8 - columns % 8) % 8;
    Twin wide = twins.random(type, rows, columns + padding, 0);
    Twin logits = wide.columns(0, columns);
    Twin copy = twins.send(type, wide.plain()).columns(0, columns);
    Twin logProbs = twins.vector(rows, 0, 1);
    Twin logSumExp = twins.vector(rows, 0, 1);
    // So large that rounding to the type is what is seen, not a gradient of nothing.
    Twin dLogProbs = twins.vector(rows, -2.0 * columns, -columns);
    int[] ids = new int[rows];
    for (int row = 0; row < rows; row++) {
      ids[row] = row == 0 ? columns - 1 : twins.random.nextInt(columns);
      double sum = 0;
      for (int column = 0; column < columns; column++) {
        sum += Math.exp(logit(logits, row, column));
      }
      double logOfSum = Math.log(sum);
      logSumExp.plain().setFloat(row, (float) logOfSum);
      logProbs.plain().setFloat(row, (float) (logit(logits, row, ids[row]) - logOfSum));
    }
    long targets = twins.indexes.of(ids);
    logitRows.score(logits.there(), targets, logProbs.there(), logSumExp.there());
    twins.assertClose("log-probabilities", logProbs, 2e-6);
    twins.assertClose("log-sum-exp", logSumExp, 2e-6);
    for (int row = 0; row < rows; row++) {
      for (int column = 0; column < columns; column++) {
        double probability = Math.exp(logit(logits, row, column) - logSumExp.plain().getFloat(row));
        double hit = column == ids[row] ? 1 : 0;
        double gradient = dLogProbs.plain().getFloat(row) * (hit - probability);
        Memory.putFloat(
            logits.plain().rowAddress(row) + (long) column * Float.BYTES, (float) gradient);
      }
    }
    double tolerance = type == DType.F32 ? 1e-5 : DeviceTwins.tolerance(type);
    logitRows.differentiate(logits.there(), targets, logSumExp.there(), dLogProbs.there());
    twins.assertClose("gradient", logits, tolerance);
    Twin again = twins.vector(rows, 0, 1);
    logitRows.scoreAndDifferentiate(copy.there(), targets, again.there(), dLogProbs.there());
    twins.assertClose("fused log-probabilities", new Twin(logProbs.plain(), again.there()), 2e-6);
    twins.assertClose("fused gradient", new Twin(logits.plain(), copy.there()), tolerance);
  }

  private static float logit(Twin logits, int row, int column) {
    return Memory.getFloat(logits.plain().rowAddress(row) + (long) column * Float.BYTES);
  }
}
