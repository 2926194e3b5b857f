package org.sparktune.trainer.objective.reward;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.objective.Slope;

class PairScoreLossTest {

  @ParameterizedTest
  @CsvSource({"0.3,0.1,0,0", "-2,4,0.5,0.01", "7,-7,1,0.1", "0,0,0,0"})
  void shouldHaveTheSlopeOfTheLoss(double chosen, double rejected, double margin, double centring) {
    PairScoreLoss loss = new PairScoreLoss(centring);
    PairScoreLoss.Value value = loss.of(chosen, rejected, margin);
    Slope.require(x -> loss.of(x, rejected, margin).loss(), chosen, value.dChosen(), "chosen");
    Slope.require(x -> loss.of(chosen, x, margin).loss(), rejected, value.dRejected(), "rejected");
  }

  @ParameterizedTest
  @CsvSource({"1e4,-1e4", "-1e4,1e4"})
  void shouldStayFiniteFarOut(double chosen, double rejected) {
    PairScoreLoss.Value value = new PairScoreLoss(0.01).of(chosen, rejected, 0);
    assertTrue(Double.isFinite(value.loss()));
    assertEquals(chosen < rejected ? -1 : 0, value.dChosen());
  }
}
