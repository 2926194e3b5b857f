package org.sparktune.trainer.model;

import java.util.function.Consumer;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Memory;
import org.sparktune.trainer.memory.Tensor;

/** Fills tensors of an engine with what the host reads or computes. */
final class EngineLoading {
  private final Engine engine;

  EngineLoading(Engine engine) {
    this.engine = engine;
  }

  /**
   * Has a tensor filled: itself where it lies in host memory, else a copy that then goes to the
   * engine.
   *
   * @param filling writes to a host tensor of the same type and shape
   */
  void fill(Tensor tensor, Consumer<Tensor> filling) {
    if (tensor.place() == Tensor.Place.HOST) {
      filling.accept(tensor);
      return;
    }
    try (Arena transfer = new Arena("weights on their way to the engine")) {
      Tensor host = transfer.allocate(tensor.type(), tensor.shape());
      filling.accept(host);
      engine.copy(host, tensor);
    }
  }

  /** The squares of every row's elements, summed. */
  static float[] rowSquares(Tensor matrix) {
    float[] squares = new float[Math.toIntExact(matrix.rows())];
    for (int row = 0; row < squares.length; row++) {
      squares[row] = squares(matrix, row);
    }
    return squares;
  }

  private static float squares(Tensor matrix, long row) {
    double squares = 0;
    for (long column = 0; column < matrix.columns(); column++) {
      long address = matrix.rowAddress(row) + column * matrix.type().bytes();
      double value =
          matrix.type() == DType.BF16
              ? Float.intBitsToFloat(Memory.getShort(address) << 16)
              : Memory.getFloat(address);
      squares += value * value;
    }
    return (float) squares;
  }
}
