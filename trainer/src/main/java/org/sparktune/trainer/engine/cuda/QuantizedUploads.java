package org.sparktune.trainer.engine.cuda;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.BlockMatrix;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;
import org.sparktune.trainer.quantize.StackedMatrix;

/** Brings matrices of few bits to the GPU as they are. */
final class QuantizedUploads {
  private final DeviceArena arena;
  private final Staging staging;

  /**
   * @param arena what they lie in
   */
  QuantizedUploads(DeviceArena arena, Staging staging) {
    this.arena = arena;
    this.staging = staging;
  }

  /** What they lie in. */
  DeviceArena arena() {
    return arena;
  }

  /**
   * The same matrix with its tensors on the device.
   *
   * @throws SparktuneException {@code UNSUPPORTED} for blocks that no kernel decodes
   */
  QuantizedMatrix upload(QuantizedMatrix matrix) {
    if (matrix instanceof StackedMatrix stacked) {
      return new StackedMatrix(stacked.parts().stream().map(this::upload).toList());
    }
    if (matrix instanceof BlockMatrix blocks) {
      return upload(blocks);
    }
    if (matrix instanceof Fp8Matrix eightBits) {
      return new Fp8Matrix(upload(eightBits.codes()), upload(eightBits.scales()));
    }
    return upload((Nf4Matrix) matrix);
  }

  private BlockMatrix upload(BlockMatrix matrix) {
    if (!Dequantization.TYPES.contains(matrix.type())) {
      throw new SparktuneException(
          ErrorCode.UNSUPPORTED,
          "A GPU does not keep blocks of type %s as they are; it keeps %s."
              .formatted(matrix.type(), Dequantization.TYPES.stream().sorted().toList()),
          "Set quantization: nf4_double or none, or engine: cpu.");
    }
    return new BlockMatrix(matrix.type(), upload(matrix.blocks()), matrix.columns());
  }

  private Nf4Matrix upload(Nf4Matrix matrix) {
    Nf4Matrix.QuantizedScales twice = matrix.quantized();
    return new Nf4Matrix(
        matrix.rows(),
        matrix.columns(),
        upload(matrix.codes()),
        matrix.scales() == null ? null : upload(matrix.scales()),
        twice == null
            ? null
            : new Nf4Matrix.QuantizedScales(
                upload(twice.codes()), upload(twice.magnitudes()), upload(twice.mean())));
  }

  private Tensor upload(Tensor tensor) {
    Tensor there = arena.allocateUncleared(tensor.type(), tensor.shape());
    staging.upload(tensor, there);
    return there;
  }
}
