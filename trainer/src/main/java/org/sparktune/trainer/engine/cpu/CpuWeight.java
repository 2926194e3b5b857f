package org.sparktune.trainer.engine.cpu;

import org.sparktune.trainer.engine.Weight;

/** A matrix in the type and the layout that products read. */
sealed interface CpuWeight extends Weight permits PlainWeight, PackedWeight, QuantizedWeight {
  /** Whether products with it take BF16 operands. */
  boolean bf16();
}
