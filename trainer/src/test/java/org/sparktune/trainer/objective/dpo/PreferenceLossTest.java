package org.sparktune.trainer.objective.dpo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.sparktune.trainer.objective.Slope;

class PreferenceLossTest {

  static Stream<PreferenceLoss> losses() {
    return Stream.of(
        new PreferenceLoss.Sigmoid(0.1, 0),
        new PreferenceLoss.Sigmoid(0.3, 0.2),
        new PreferenceLoss.Robust(0.1, 0.1),
        new PreferenceLoss.Hinge(0.05),
        new PreferenceLoss.Ipo(0.1),
        new PreferenceLoss.Exo(0.1, 1e-3),
        new PreferenceLoss.SimPo(2, 1),
        new PreferenceLoss.Orpo(0.1),
        new PreferenceLoss.WithSupervision(new PreferenceLoss.Sigmoid(0.1, 0), 0.5));
  }

  @ParameterizedTest
  @MethodSource("losses")
  void shouldHaveTheSlopeOfTheLoss(PreferenceLoss loss) {
    Random random = new Random(5);
    for (int i = 0; i < 50; i++) {
      PairLogProbs pair =
          new PairLogProbs(
              -40 * random.nextDouble() - 1,
              -40 * random.nextDouble() - 1,
              -40 * random.nextDouble(),
              -40 * random.nextDouble(),
              1 + random.nextInt(20),
              1 + random.nextInt(20),
              random.nextDouble());
      PairLoss value = loss.of(pair);
      Slope.require(
          x -> loss.of(withPolicy(pair, x, pair.rejected())).loss(),
          pair.chosen(),
          value.dChosen(),
          loss + " chosen " + pair);
      Slope.require(
          x -> loss.of(withPolicy(pair, pair.chosen(), x)).loss(),
          pair.rejected(),
          value.dRejected(),
          loss + " rejected " + pair);
    }
  }

  @ParameterizedTest
  @MethodSource("losses")
  void shouldStayFiniteForAnyDifference(PreferenceLoss loss) {
    for (double far : new double[] {-1e4, -1, 0, 1e-12, 1, 1e4}) {
      PairLoss value =
          loss.of(new PairLogProbs(Math.min(far, 0), Math.min(-far, 0), 0, 0, 3, 2, 0));
      assertTrue(Double.isFinite(value.loss()), loss + " at " + far + ": " + value);
      assertTrue(Double.isFinite(value.dChosen()), loss + " at " + far + ": " + value);
      assertTrue(Double.isFinite(value.dRejected()), loss + " at " + far + ": " + value);
    }
  }

  @Test
  void shouldPushWithFullForceWhereThePreferenceIsFarWrong() {
    PairLoss wrong =
        new PreferenceLoss.Sigmoid(0.1, 0).of(new PairLogProbs(-1e4, 0, 0, 0, 1, 1, 0));
    assertEquals(1000, wrong.loss(), 1e-9);
    assertEquals(-0.1, wrong.dChosen(), 1e-12);
    assertEquals(0.1, wrong.dRejected(), 1e-12);
  }

  @Test
  void shouldStartAtLogTwoWhereThePolicyIsTheReference() {
    PairLogProbs start = new PairLogProbs(-12, -9, -12, -9, 4, 4, 0);
    assertEquals(Math.log(2), new PreferenceLoss.Sigmoid(0.1, 0).of(start).loss(), 1e-12);
    assertEquals(Math.log(2), new PreferenceLoss.Robust(0.1, 0.2).of(start).loss(), 1e-12);
    assertEquals(1, new PreferenceLoss.Hinge(0.1).of(start).loss());
    assertEquals(25, new PreferenceLoss.Ipo(0.1).of(start).loss(), 1e-12);
  }

  @Test
  void shouldRefuseOptionsOutsideTheirRange() {
    assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.Sigmoid(0, 0));
    assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.Sigmoid(0.1, 0.5));
    assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.Robust(0.1, -0.1));
    assertThrows(IllegalArgumentException.class, () -> new PreferenceLoss.Exo(0.1, 0));
    assertThrows(IllegalArgumentException.class, () -> new PairLogProbs(0, 0, 0, 0, 0, 1, 0));
  }

  @Test
  void shouldValueJudgedCompletionsByTheirSlope() {
    JudgedLoss loss = new JudgedLoss(0.1, 1.5, 0.7);
    for (boolean desirable : new boolean[] {true, false}) {
      for (double ratio : new double[] {-30, -1, 0, 2, 45}) {
        JudgedLoss.Value value = loss.of(ratio, desirable, 0.8);
        Slope.require(
            x -> loss.of(x, desirable, 0.8).loss(), ratio, value.dLogProb(), "KTO " + ratio);
      }
      assertTrue(Double.isFinite(loss.of(1e4, desirable, 0).loss()));
      assertTrue(Double.isFinite(loss.of(-1e4, desirable, 0).dLogProb()));
    }
    assertEquals(0, JudgedLoss.referencePoint(new double[] {-3, 1}));
    assertEquals(2, JudgedLoss.referencePoint(new double[] {1, 3}));
  }

  private static PairLogProbs withPolicy(PairLogProbs pair, double chosen, double rejected) {
    return new PairLogProbs(
        chosen,
        rejected,
        pair.referenceChosen(),
        pair.referenceRejected(),
        pair.chosenTokens(),
        pair.rejectedTokens(),
        pair.margin());
  }
}
