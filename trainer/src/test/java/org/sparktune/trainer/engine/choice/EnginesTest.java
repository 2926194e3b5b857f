package org.sparktune.trainer.engine.choice;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.cuda.runtime.Device;

class EnginesTest {

  @Test
  void shouldOpenTheCpuEngine() {
    assumeFalse(Device.hasDriver(), "this machine has an NVIDIA driver");
    try (Engine engine = Engines.open("fp32", 2, "auto")) {
      assertEquals(Engine.Precision.F32, engine.precision());
      assertTrue(engine.description().startsWith("CPU, 2 threads, F32"), engine.description());
    }
  }

  @Test
  void shouldSayWhyThereIsNoGpu() {
    assumeFalse(Device.hasDriver(), "this machine has an NVIDIA driver");
    SparktuneException e =
        assertThrows(SparktuneException.class, () -> Engines.open("auto", 1, "cuda"));
    assertEquals(ErrorCode.UNSUPPORTED, e.code());
    assertTrue(e.getMessage().contains("no NVIDIA driver"), e.getMessage());
    assertTrue(e.hint().contains("engine: cpu"), e.hint());
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
