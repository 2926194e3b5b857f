package org.sparktune.trainer.engine.cpu;

/**
 * A frozen matrix twice in the library's own layout, once for each direction of products: a tenth
 * faster than as it lies, for twice the memory.
 *
 * @param forward {@code (in, out)}: Wᵀ, for {@code x·Wᵀ}
 * @param backward {@code (out, in)}: W, for {@code dy·W}
 */
record PackedWeight(PackedMatrix forward, PackedMatrix backward) implements CpuWeight {
  private static final long DEFAULT_BUDGET = 3L << 30;

  /**
   * How many bytes an engine may hold beyond one copy of every matrix: {@code
   * -Dsparktune.packed-weight-bytes}. A limit rather than what happens to be free, because the
   * layout decides the order of sums and the same run has to give the same bits everywhere.
   */
  static long budget() {
    return Long.getLong("sparktune.packed-weight-bytes", DEFAULT_BUDGET);
  }

  @Override
  public long out() {
    return forward.columns();
  }

  @Override
  public long in() {
    return forward.inner();
  }

  @Override
  public boolean bf16() {
    return forward.bf16();
  }
}
