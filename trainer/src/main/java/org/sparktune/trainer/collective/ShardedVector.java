package org.sparktune.trainer.collective;

import java.util.List;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorMemory;

/**
 * A flat vector of the whole run, of which this rank holds some ranges: parameters, or an
 * optimizer's moments under ZeRO-1.
 *
 * @param name such as {@code parameters} or {@code exp_avg}
 * @param length of the whole vector
 * @param ranges what this rank holds, ascending, without overlaps; empty for a rank that owns
 *     nothing
 * @param values {@code (sum of the ranges' sizes)} F32: the ranges one after the other
 * @param memory where the values are: what copies them to and from the host
 */
public record ShardedVector(
    String name, long length, List<Slices.Range> ranges, Tensor values, TensorMemory memory) {

  /** Copies the ranges. */
  public ShardedVector {
    ranges = List.copyOf(ranges);
  }

  /** A vector in host memory. */
  public ShardedVector(String name, long length, List<Slices.Range> ranges, Tensor values) {
    this(name, length, ranges, values, TensorMemory.HOST);
  }
}
