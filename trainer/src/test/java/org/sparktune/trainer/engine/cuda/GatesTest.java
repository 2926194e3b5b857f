package org.sparktune.trainer.engine.cuda;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.sparktune.trainer.engine.cuda.DeviceTwins.Twin;
import org.sparktune.trainer.memory.DType;

@Tag("gpu")
class GatesTest {
  private DeviceTwins twins;
  private Gates gates;

  @BeforeEach
  void open() {
    Gpu.require();
    twins = new DeviceTwins(12);
    gates = new Gates(twins.kernels);
  }

  @AfterEach
  void close() {
    if (twins != null) {
      twins.close();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "F32,  1,  1",
    "F32,  13, 207",
    "F32,  33, 8960",
    "BF16, 1,  1",
    "BF16, 13, 207",
    "BF16, 33, 4864",
    "BF16, 7,  8964"
  })
  void shouldGateColumnsOfOneTensor(DType type, int rows, int columns) {
    Twin both = twins.random(type, rows, 2L * columns, 0);
    Twin gate = both.columns(0, columns);
    Twin up = both.columns(columns, 2L * columns);
    Twin out = twins.random(type, rows, columns, 0);
    twins.plain.swiglu(gate.plain(), up.plain(), out.plain());
    gates.swiglu(gate.there(), up.there(), out.there());
    twins.assertClose("out", out);

    Twin dOut = twins.random(type, rows, columns, 8);
    Twin apart = twins.random(type, rows, 2L * columns, 0);
    Twin dGate = apart.columns(0, columns);
    Twin dUp = apart.columns(columns, 2L * columns);
    twins.plain.swigluGradient(dOut.plain(), gate.plain(), up.plain(), dGate.plain(), dUp.plain());
    gates.gradient(dOut.there(), gate.there(), up.there(), dGate.there(), dUp.there());
    twins.assertClose("dGate", dGate);
    twins.assertClose("dUp", dUp);
    // In the place of gate and up.
    gates.gradient(dOut.there(), gate.there(), up.there(), gate.there(), up.there());
    twins.assertClose("dGate in place", new Twin(dGate.plain(), gate.there()));
    twins.assertClose("dUp in place", new Twin(dUp.plain(), up.there()));
  }

  @ParameterizedTest
  @CsvSource({"F32", "BF16"})
  void shouldStayFiniteFarFromZero(DType type) {
    Twin gate = twins.random(type, 1, 8, 0);
    for (int i = 0; i < 8; i++) {
      gate.plain().setFloat(i, (i - 3.5f) * 64);
    }
    gate = twins.send(type, gate.plain());
    Twin up = twins.random(type, 1, 8, 0);
    Twin dOut = twins.random(type, 1, 8, 0);
    Twin dGate = twins.random(type, 1, 8, 0);
    Twin dUp = twins.random(type, 1, 8, 0);
    twins.plain.swigluGradient(dOut.plain(), gate.plain(), up.plain(), dGate.plain(), dUp.plain());
    gates.gradient(dOut.there(), gate.there(), up.there(), dGate.there(), dUp.there());
    twins.assertClose("dGate", dGate);
    twins.assertClose("dUp", dUp);
  }
}
