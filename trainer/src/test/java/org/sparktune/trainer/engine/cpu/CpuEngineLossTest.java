package org.sparktune.trainer.engine.cpu;

import static org.sparktune.trainer.engine.cpu.Twins.assertClose;

import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.Engine.Precision;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

class CpuEngineLossTest {

  @ParameterizedTest
  @CsvSource({
    "F32,1,13,7", "F32,13,40,207", "F32,300,24,1030", "F32,70,16,4098",
    "BF16,1,13,7", "BF16,13,40,207", "BF16,300,24,1030", "BF16,70,16,4098"
  })
  void shouldScoreTargets(Precision precision, int rows, int hiddenSize, int vocabulary) {
    try (Twins twins = new Twins(precision, 2, vocabulary)) {
      Random random = new Random(rows);
      int[] targets = random.ints(rows, 0, vocabulary).toArray();
      Tensor hidden = twins.random(rows, hiddenSize, hiddenSize + 3);
      Tensor head = twins.random(vocabulary, hiddenSize);
      Weight fast = twins.fast.freeze(head);
      Weight plain = twins.plain.freeze(head);
      Tensor logProbs = twins.vector(rows);
      Tensor sums = twins.vector(rows);
      Tensor expectedLogProbs = twins.vector(rows);
      Tensor expectedSums = twins.vector(rows);
      double tolerance = precision == Precision.F32 ? 3e-6 : 1.5e-2;
      twins.fast.tokenLogProbs(hidden, fast, targets, logProbs, sums);
      twins.plain.tokenLogProbs(hidden, plain, targets, expectedLogProbs, expectedSums);
      assertClose("log-probabilities", expectedLogProbs, logProbs, tolerance);
      assertClose("log-sum-exp", expectedSums, sums, tolerance);

      Tensor upstream = twins.vector(rows);
      Tensor dHidden = twins.random(rows, hiddenSize, hiddenSize + 1);
      Tensor expectedHidden = twins.copy(dHidden);
      Tensor dHead = twins.random(vocabulary, hiddenSize);
      Tensor expectedHead = twins.copy(dHead);
      twins.plain.tokenLogProbsGradient(
          hidden, plain, targets, expectedSums, upstream, expectedHidden, expectedHead);
      Tensor other = twins.copy(dHead);
      twins.fast.tokenLogProbsGradient(hidden, fast, targets, sums, upstream, dHidden, dHead);
      assertClose("dHidden", expectedHidden, dHidden, 2 * tolerance);
      assertClose("dHead", expectedHead, dHead, 2 * tolerance);

      twins.fast.tokenLossAndGradient(hidden, fast, targets, upstream, logProbs, dHidden, other);
      assertClose("log-probabilities in one pass", expectedLogProbs, logProbs, tolerance);
      assertClose("dHidden in one pass", expectedHidden, dHidden, 2 * tolerance);
      assertClose("dHead in one pass", expectedHead, other, 2 * tolerance);
    }
  }
}
