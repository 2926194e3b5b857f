package org.sparktune.trainer.engine.cuda.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;

class KernelSourcesTest {

  @Test
  void shouldReplaceAnIncludeByWhatItNames() {
    String text = KernelSources.read("including.cu");
    assertTrue(text.startsWith("// What kernels share"), text);
    assertTrue(text.contains("struct bf16"), text);
    assertTrue(text.endsWith("__global__ void nothing() {}\n"), text);
    assertFalse(text.contains("#include"), text);
  }

  @Test
  void shouldNameAFileThatIsNotThere() {
    IllegalArgumentException missing =
        assertThrows(IllegalArgumentException.class, () -> KernelSources.read("absent.cu"));
    assertEquals("there is no kernel file absent.cu", missing.getMessage());
  }
}
