package org.sparktune.trainer.quantize;

import java.util.List;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;

/**
 * Matrices of equal width on top of each other, each in its own format.
 *
 * @param parts from the top down
 */
public record StackedMatrix(List<QuantizedMatrix> parts) implements QuantizedMatrix {
  /** Checks the widths. */
  public StackedMatrix {
    parts = List.copyOf(parts);
    for (QuantizedMatrix part : parts) {
      if (part.columns() != parts.get(0).columns()) {
        throw new IllegalArgumentException(
            "%d columns do not lie on %d".formatted(parts.get(0).columns(), part.columns()));
      }
    }
  }

  @Override
  public long rows() {
    return parts.stream().mapToLong(QuantizedMatrix::rows).sum();
  }

  @Override
  public long columns() {
    return parts.get(0).columns();
  }

  @Override
  public long bytes() {
    return parts.stream().mapToLong(QuantizedMatrix::bytes).sum();
  }

  @Override
  public void decode(long first, Tensor destination) {
    DecodedRun.requireRows(this, first, destination);
    long top = 0;
    long end = first + destination.rows();
    for (QuantizedMatrix part : parts) {
      long bottom = top + part.rows();
      long from = Math.max(first, top);
      long to = Math.min(end, bottom);
      if (from < to) {
        part.decode(from - top, destination.rows(from - first, to - first));
      }
      top = bottom;
    }
  }

  @Override
  public StackedMatrix copy(TensorArena arena) {
    return new StackedMatrix(parts.stream().map(part -> part.copy(arena)).toList());
  }
}
