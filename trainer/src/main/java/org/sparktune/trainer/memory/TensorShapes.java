package org.sparktune.trainer.memory;

import java.util.Arrays;

/** Checks of what operators are given. */
public final class TensorShapes {
  private TensorShapes() {}

  /** Refuses tensors that differ in type or shape. */
  public static void requireSame(Tensor from, Tensor to) {
    if (from.type() != to.type() || !Arrays.equals(from.shape(), to.shape())) {
      throw new IllegalArgumentException("%s cannot be copied to %s".formatted(from, to));
    }
  }

  /** Refuses a tensor of another type. */
  public static void requireType(Tensor tensor, DType type) {
    if (tensor.type() != type) {
      throw new IllegalArgumentException("%s is not %s".formatted(tensor, type));
    }
  }
}
