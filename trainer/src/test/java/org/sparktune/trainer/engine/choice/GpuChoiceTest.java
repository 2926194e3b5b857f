package org.sparktune.trainer.engine.choice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class GpuChoiceTest {
  @Test
  void shouldTakeTheGpuThatWasGiven() {
    assertEquals(5, new GpuChoice(OptionalInt.of(5), 1).index(8));
  }

  @Test
  void shouldTakeGpusInTurnWhereNoneWasGiven() {
    int[] expected = {0, 1, 0, 1, 0};
    for (int rank = 0; rank < expected.length; rank++) {
      assertEquals(expected[rank], new GpuChoice(OptionalInt.empty(), rank).index(2));
    }
    assertEquals(0, GpuChoice.ALONE.index(0));
  }

  @Test
  void shouldRefuseAGpuThatTheProcessDoesNotSee() {
    SparktuneException thrown =
        assertThrows(SparktuneException.class, () -> new GpuChoice(OptionalInt.of(2), 0).index(2));
    assertEquals(ErrorCode.RESOURCES, thrown.code());
    assertTrue(thrown.getMessage().contains("GPU 2"), thrown::getMessage);
  }
}
