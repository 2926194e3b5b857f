package org.sparktune.trainer.objective;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class LogisticTest {

  @ParameterizedTest
  @ValueSource(doubles = {-30, -5, -0.7, -1e-6, 0, 1e-6, 0.7, 5, 30})
  void shouldEqualItsDefinition(double x) {
    assertEquals(1 / (1 + Math.exp(-x)), Logistic.sigmoid(x), 1e-15);
    assertEquals(Math.log(1 / (1 + Math.exp(-x))), Logistic.logSigmoid(x), 1e-12);
  }

  @Test
  void shouldStayFiniteFarOut() {
    assertEquals(0, Logistic.sigmoid(-1e4));
    assertEquals(1, Logistic.sigmoid(1e4));
    assertEquals(-1e4, Logistic.logSigmoid(-1e4));
    assertEquals(0, Logistic.logSigmoid(1e4));
  }

  @ParameterizedTest
  @ValueSource(doubles = {-1e-9, -1e-4, -0.5, -0.693, -0.7, -3, -40})
  void shouldSubtractFromOneBelowTheLogarithm(double x) {
    // e^x = 1 - y exactly enough where log(y) is known another way.
    assertEquals(Math.log(-Math.expm1(x)), Logistic.logOneMinusExp(x), 1e-12);
  }
}
