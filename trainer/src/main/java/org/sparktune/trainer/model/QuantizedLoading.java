package org.sparktune.trainer.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.WeightSource;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;
import org.sparktune.trainer.quantize.StackedMatrix;

/** Loads frozen matrices that stay in few bits. */
final class QuantizedLoading {
  private final WeightSource source;
  private final Engine engine;
  private final BaseStorage storage;

  QuantizedLoading(WeightSource source, Engine engine, BaseStorage storage) {
    this.source = source;
    this.engine = engine;
    this.storage = storage;
  }

  /**
   * Several matrices on top of each other as one weight.
   *
   * @param names of matrices of equal width
   * @param rowSquares {@code (out)} F32 or null: gets the sums of the squares of every row's
   *     decoded elements
   * @return empty if they are to be held in full
   */
  Optional<Weight> load(List<String> names, Tensor rowSquares) {
    try (Arena transfer = new Arena("weights in few bits on their way to the engine")) {
      if (storage instanceof BaseStorage.EightBits) {
        return Optional.of(frozen(eightBits(names, transfer), transfer, rowSquares));
      }
      List<QuantizedMatrix> parts = new ArrayList<>();
      for (String name : names) {
        Optional<? extends QuantizedMatrix> part = quantized(name, transfer);
        if (part.isEmpty()) {
          return Optional.empty();
        }
        parts.add(part.get());
      }
      QuantizedMatrix matrix = parts.size() == 1 ? parts.get(0) : new StackedMatrix(parts);
      return Optional.of(frozen(matrix, transfer, rowSquares));
    }
  }

  private Weight frozen(QuantizedMatrix matrix, Arena transfer, Tensor rowSquares) {
    if (rowSquares != null) {
      Tensor decoded = transfer.allocate(DType.F32, matrix.rows(), matrix.columns());
      matrix.decode(0, decoded);
      engine.set(rowSquares, EngineLoading.rowSquares(decoded));
    }
    return engine.freezeQuantized(matrix);
  }

  /** All of them as one matrix, whose rows have scales of their own anyway. */
  private Fp8Matrix eightBits(List<String> names, Arena transfer) {
    long rows = names.stream().mapToLong(name -> source.shape(name)[0]).sum();
    long columns = source.shape(names.get(0))[1];
    try (Arena full = new Arena("matrices on their way to 8 bits")) {
      Tensor whole = full.allocate(DType.F32, rows, columns);
      long offset = 0;
      for (String name : names) {
        Tensor part = whole.view(offset, source.shape(name));
        source.read(name, part);
        offset += part.size();
      }
      return Fp8Matrix.of(whole, transfer);
    }
  }

  private Optional<? extends QuantizedMatrix> quantized(String name, Arena transfer) {
    if (storage instanceof BaseStorage.Nf4 nf4) {
      try (Arena full = new Arena("the matrix " + name)) {
        Tensor matrix = full.allocate(DType.F32, source.shape(name));
        source.read(name, matrix);
        return Optional.of(Nf4Matrix.of(matrix, nf4.doubleQuantization(), transfer));
      }
    }
    return storage instanceof BaseStorage.Stored
        ? source.readQuantized(name, transfer)
        : Optional.empty();
  }
}
