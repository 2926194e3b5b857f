package org.sparktune.trainer.engine.cuda.runtime;

/** Finds kernels by the resource and the function that they are. */
@FunctionalInterface
public interface KernelFinder {

  /**
   * Finds a kernel.
   *
   * @param file the resource, such as {@code norm.cu}
   * @param name the function, with C linkage
   * @param definitions macros, such as {@code -DELEMENT=float}
   */
  Kernel get(String file, String name, String... definitions);
}
