package org.sparktune.trainer.engine.cpu;

/**
 * Matrix products on the calling thread alone. An instance belongs to one {@link Worker}; the
 * engine makes its own parallelism by giving workers blocks of the result, so that products, fused
 * loops and attention share the same threads and results do not depend on how many there are.
 */
interface Gemm extends AutoCloseable {

  /**
   * Computes one product.
   *
   * @param a address of a's first element
   * @param b address of b's first element
   * @param bias address of the bias, or 0
   * @param c address of the result's first element
   */
  void multiply(GemmShape shape, long a, long b, long bias, long c);

  @Override
  void close();

  /** Makes the {@link Gemm} of each worker, on that worker's thread. */
  interface Provider {
    /** The library's name and version, for the log. */
    String description();

    /** Whether BF16 operands are taken at all. */
    boolean takesBf16();

    /** Whether BF16 operands are computed by the processor itself, and so faster than F32. */
    boolean hasNativeBf16();

    /** A new instance for one worker. */
    Gemm create();

    /** Runs before any product on a thread that is not a worker's own; returns what to restore. */
    int enter();

    /** Undoes {@link #enter}. */
    void leave(int restore);
  }
}
