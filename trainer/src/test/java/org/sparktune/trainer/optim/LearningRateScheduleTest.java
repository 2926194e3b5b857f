package org.sparktune.trainer.optim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.optim.LearningRateSchedule.Kind;

class LearningRateScheduleTest {
  // transformers' get_*_schedule_with_warmup at a peak of 0.3: 3 warm-up steps of 10.
  private static final double[] COSINE = {
    0.0,
    0.09999999999999999,
    0.19999999999999998,
    0.3,
    0.28514533018536287,
    0.24352347027881002,
    0.18337814009344713,
    0.11662185990655284,
    0.05647652972118997,
    0.014854669814637143
  };
  private static final double[] COSINE_TO_A_TENTH = {
    0.0,
    0.09999999999999999,
    0.19999999999999998,
    0.3,
    0.28663079716682655,
    0.24917112325092902,
    0.1950403260841024,
    0.13495967391589755,
    0.08082887674907098,
    0.043369202833173436
  };
  private static final double[] LINEAR = {
    0.0,
    0.09999999999999999,
    0.19999999999999998,
    0.3,
    0.2571428571428571,
    0.21428571428571427,
    0.1714285714285714,
    0.12857142857142856,
    0.0857142857142857,
    0.04285714285714285
  };
  private static final double[] CONSTANT = {
    0.0, 0.09999999999999999, 0.19999999999999998, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3, 0.3
  };

  @Test
  void shouldFollowTransformers() {
    assertSchedule(COSINE, new LearningRateSchedule(Kind.COSINE, 0.3, 0, 3, 0));
    assertSchedule(COSINE_TO_A_TENTH, new LearningRateSchedule(Kind.COSINE, 0.3, 0, 3, 0.1));
    assertSchedule(LINEAR, new LearningRateSchedule(Kind.LINEAR, 0.3, 0, 3, 0));
    assertSchedule(CONSTANT, new LearningRateSchedule(Kind.CONSTANT, 0.3, 0, 3, 0));
  }

  @Test
  void shouldRoundTheWarmupUp() {
    LearningRateSchedule schedule = new LearningRateSchedule(Kind.COSINE, 0.3, 0.21, 0, 0);
    assertSchedule(COSINE, schedule);
  }

  @Test
  void shouldEndAtTheMinimum() {
    assertEquals(0.03, new LearningRateSchedule(Kind.LINEAR, 0.3, 0, 0, 0.1).at(10, 10), 1e-15);
    assertEquals(0.03, new LearningRateSchedule(Kind.COSINE, 0.3, 0, 0, 0.1).at(11, 10), 1e-15);
    assertEquals(0.3, LearningRateSchedule.constant(0.3).at(0, 10));
  }

  @Test
  void shouldRefuseImpossibleValues() {
    SparktuneException e =
        assertThrows(
            SparktuneException.class,
            () -> new LearningRateSchedule(Kind.LINEAR, Double.NaN, 2, -1, -0.5));
    assertTrue(e.getMessage().contains("learning_rate"), e.getMessage());
    assertTrue(e.getMessage().contains("min_learning_rate_ratio"), e.getMessage());
    assertThrows(
        SparktuneException.class, () -> LearningRateSchedule.constant(Double.POSITIVE_INFINITY));
  }

  private static void assertSchedule(double[] expected, LearningRateSchedule schedule) {
    for (int step = 0; step < expected.length; step++) {
      assertEquals(expected[step], schedule.at(step, expected.length), 1e-15, "step " + step);
    }
  }
}
