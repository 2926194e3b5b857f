package org.sparktune.trainer.dl4j;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

class CudaBackendTest {
  @ParameterizedTest
  @ValueSource(ints = {37, 70, 75, 80, 86, 89})
  void shouldAcceptGpusItHasCodeFor(int capability) {
    assertTrue(CudaBackend.problem(List.of(new CudaBackend.Gpu("GPU", capability))).isEmpty());
  }

  @ParameterizedTest
  @ValueSource(ints = {90, 100, 103, 120, 35})
  void shouldRefuseOthersInOneSentence(int capability) {
    SparktuneException problem =
        CudaBackend.problem(List.of(new CudaBackend.Gpu("NVIDIA H200", capability))).orElseThrow();
    assertEquals(ErrorCode.UNSUPPORTED, problem.code());
    assertTrue(problem.getMessage().contains("NVIDIA H200"), problem.getMessage());
    assertTrue(problem.hint().contains("CPU"), problem.hint());
  }

  @Test
  void shouldRefuseAMachineWithoutGpu() {
    assertTrue(CudaBackend.problem(List.of()).isPresent());
  }

  @Test
  void shouldReadWhatTheDriverLists() {
    assertEquals(
        List.of(
            new CudaBackend.Gpu("NVIDIA A10", 86),
            new CudaBackend.Gpu("NVIDIA RTX PRO 6000, Server", 120)),
        CudaBackend.parse("NVIDIA A10, 8.6\nNVIDIA RTX PRO 6000, Server, 12.0\nno GPU\n"));
  }
}
