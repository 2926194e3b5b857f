package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.Tensor;

/** SwiGLU and its gradient: see {@code gate.cu}. */
final class Gates {
  private static final String FILE = "gate.cu";

  private final TypedKernel swiglu;
  private final TypedKernel gradient;

  Gates(KernelFinder kernels) {
    swiglu = TypedKernel.of(kernels, FILE, "swiglu");
    gradient = TypedKernel.of(kernels, FILE, "swiglu_gradient");
  }

  /** See {@link org.sparktune.trainer.engine.Engine#swiglu}. */
  void swiglu(Tensor gate, Tensor up, Tensor out) {
    Packs packs = Packs.of(gate, up, out);
    swiglu
        .of(Packs.type(gate, up, out))
        .withRows(gate)
        .withRows(up)
        .withRows(out)
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#swigluGradient}. */
  void gradient(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    gradient(Packs.of(dOut, gate, up, dGate, dUp), dOut, gate, up, dGate, dUp, null);
  }

  /**
   * As {@link #gradient}, with what {@link #swiglu} makes of gate and up in the same pass.
   *
   * @param out {@code (N, F)}
   */
  void gradientAndOut(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp, Tensor out) {
    gradient(Packs.of(dOut, gate, up, dGate, dUp, out), dOut, gate, up, dGate, dUp, out);
  }

  private void gradient(
      Packs packs, Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp, Tensor out) {
    gradient
        .of(Packs.type(dOut, gate, up, dGate, dUp))
        .withRows(dOut)
        .withRows(gate)
        .withRows(up)
        .withRows(dGate)
        .withRows(dUp)
        .with(out)
        .with(out == null ? 0L : out.rowStride())
        .with(packs.rows())
        .with(packs.columns())
        .with(packs.wide())
        .launch(packs.blocks(), Packs.THREADS);
  }
}
