package org.sparktune.trainer.collective.aeron;

/** How gradients travel. */
public enum WireType {
  /** As they are: results have the same bits at any number of ranks. */
  F32,
  /**
   * Rounded to BF16, half the bytes; sums stay F32, and what rounding took from a gradient is added
   * to the same place of the next step's (error feedback, Seide et al. 2014). Applies to
   * reduce-scatter and the reducing half of all-reduce; what is gathered or broadcast stays exact,
   * so all ranks hold the same parameters. Results then depend on the number of ranks.
   */
  BF16
}
