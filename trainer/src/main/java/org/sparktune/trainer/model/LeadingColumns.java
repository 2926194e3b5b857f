package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;

/** The start of a tensor seen as a narrower one with as many rows; the last view is kept. */
final class LeadingColumns {
  private final long columns;
  private Tensor memory;
  private Tensor view;

  LeadingColumns(long columns) {
    this.columns = columns;
  }

  Tensor of(Tensor tensor) {
    if (memory != tensor) {
      view = tensor.view(0, tensor.rows(), columns);
      memory = tensor;
    }
    return view;
  }
}
