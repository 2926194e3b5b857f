package org.sparktune.trainer.engine.cuda.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import org.junit.jupiter.api.Test;
import org.nd4j.linalg.factory.Nd4j;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class DeviceTest {

  @Test
  void shouldSayInOneSentenceThatThereIsNoDriver() {
    assumeFalse(Device.hasDriver(), "this machine has an NVIDIA driver");
    SparktuneException refusal =
        assertThrows(SparktuneException.class, () -> Device.open(0).close());
    assertEquals(ErrorCode.UNSUPPORTED, refusal.code());
    assertTrue(refusal.getMessage().contains("has no NVIDIA driver"), refusal.getMessage());
    assertTrue(refusal.hint().contains("engine: cpu"), refusal.hint());
  }

  @Test
  void shouldNameWhatAnOldGpuLacks() {
    Device.requireCapability("NVIDIA A100", 80);
    SparktuneException refusal =
        assertThrows(SparktuneException.class, () -> Device.requireCapability("Tesla T4", 75));
    assertEquals(
        "The GPU Tesla T4 has compute capability 7.5; the CUDA engine needs 8.0 or higher.",
        refusal.getMessage());
    assertEquals(ErrorCode.UNSUPPORTED, refusal.code());
  }

  @Test
  void shouldNameTheLibraryThatIsMissing() {
    SparktuneException refusal =
        Device.librariesMissing(new UnsatisfiedLinkError("libcublasLt.so.13: cannot open"));
    assertTrue(refusal.getMessage().contains("libcublasLt.so.13"), refusal.getMessage());
    assertTrue(refusal.hint().contains("LD_LIBRARY_PATH"), refusal.hint());
  }

  @Test
  void shouldLeaveNd4jUsableBesideTheBindings() throws ClassNotFoundException {
    // Found, not loaded: the bindings' libraries need CUDA's.
    Class.forName("org.bytedeco.cuda.global.cudart", false, getClass().getClassLoader());
    assertEquals(6, Nd4j.ones(2, 3).sumNumber().intValue());
  }
}
