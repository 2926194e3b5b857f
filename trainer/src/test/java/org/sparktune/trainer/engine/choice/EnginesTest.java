package org.sparktune.trainer.engine.choice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;

class EnginesTest {

  @Test
  void shouldOpenTheCpuEngine() {
    try (Engine engine = Engines.open("fp32", 2, "auto")) {
      assertEquals(Engine.Precision.F32, engine.precision());
      assertTrue(engine.description().startsWith("CPU, 2 threads, F32"), engine.description());
    }
  }

  @Test
  void shouldSayThatThereIsNoCudaEngine() {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> Engines.open("auto", 1, "cuda"));
    assertEquals(ErrorCode.UNSUPPORTED, e.code());
    assertTrue(e.getMessage().contains("cuda"), e.getMessage());
  }

  @Test
  void shouldRefuseUnknownWordsAndThreadCounts() {
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> Engines.open("fp8", 1, "cpu"));
    assertEquals(ErrorCode.INVALID_SPEC, e.code());
    assertEquals("Use one of: auto, fp32, bf16.", e.hint());
    assertThrows(SparktuneException.class, () -> Engines.open("fp32", 0, "cpu"));
  }
}
