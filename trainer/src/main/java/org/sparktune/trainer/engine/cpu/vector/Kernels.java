package org.sparktune.trainer.engine.cpu.vector;

/** One thread's kernels: they keep their windows onto memory between calls. */
public final class Kernels {
  private final ElementKernels elements = new ElementKernels();
  private final GateKernels gates = new GateKernels();
  private final NormKernels norms = new NormKernels();
  private final SoftmaxKernels softmax = new SoftmaxKernels();
  private final DotKernels dots = new DotKernels();

  /** Loops over elements. */
  public ElementKernels elements() {
    return elements;
  }

  /** SwiGLU. */
  public GateKernels gates() {
    return gates;
  }

  /** RMSNorm. */
  public NormKernels norms() {
    return norms;
  }

  /** Softmax. */
  public SoftmaxKernels softmax() {
    return softmax;
  }

  /** Dot products. */
  public DotKernels dots() {
    return dots;
  }
}
