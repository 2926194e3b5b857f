package org.sparktune.tokenizer.gguf;

import java.util.List;

/**
 * Where a tensor of a GGUF file is.
 *
 * @param name GGUF's name, {@code blk.0.attn_q.weight}
 * @param dimensions in GGUF's order: the contiguous one first, so the reverse of a shape
 * @param type the element layout
 * @param offset the first byte, from the beginning of the file
 * @param byteSize how many bytes
 */
public record GgufTensor(
    String name, List<Long> dimensions, GgmlType type, long offset, long byteSize) {

  /** Copies the dimensions. */
  public GgufTensor {
    dimensions = List.copyOf(dimensions);
  }

  /** Elements of a row, the contiguous dimension. */
  public long columns() {
    return dimensions.get(0);
  }

  /** All other dimensions, multiplied. */
  public long rows() {
    long rows = 1;
    for (long dimension : dimensions.subList(1, dimensions.size())) {
      rows *= dimension;
    }
    return rows;
  }

  /** The dimensions outermost first. */
  public long[] shape() {
    long[] shape = new long[dimensions.size()];
    for (int i = 0; i < shape.length; i++) {
      shape[i] = dimensions.get(shape.length - 1 - i);
    }
    return shape;
  }
}
