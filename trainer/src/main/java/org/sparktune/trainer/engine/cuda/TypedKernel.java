package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.DType;

/**
 * A kernel for each type that activations may have.
 *
 * @param single for F32
 * @param half for BF16
 */
record TypedKernel(Kernel single, Kernel half) {

  /** The functions of a resource whose names end in {@code _f32} and {@code _bf16}. */
  static TypedKernel of(KernelFinder kernels, String file, String name) {
    return new TypedKernel(kernels.get(file, name + "_f32"), kernels.get(file, name + "_bf16"));
  }

  Kernel of(DType type) {
    return switch (type) {
      case F32 -> single;
      case BF16 -> half;
      case F16, I32, I8 -> throw new IllegalArgumentException("activations are not " + type);
    };
  }
}
