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

  /**
   * The size of op(b) in the library's own layout, or 0 where it has none.
   *
   * @return bytes
   */
  long packedBytes(int inner, int columns, boolean bf16);

  /**
   * Brings op(b) into the library's own layout, which does not depend on the product's other sizes.
   *
   * @param shape says how b lies now
   * @param b address of b's first element
   * @param packed address of {@link #packedBytes} bytes
   */
  void pack(GemmShape shape, long b, long packed);

  @Override
  void close();

  /** Makes the {@link Gemm} of each worker, on that worker's thread. */
  interface Provider {
    /** The library's name and version, for the log. */
    String description();

    /** Whether BF16 operands are taken at all. */
    boolean takesBf16();

    /** Whether there is a layout of its own for frozen matrices. */
    boolean packs();

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
