package org.sparktune.trainer.engine.cuda;

import java.util.EnumMap;
import java.util.Map;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Copies that change the type of elements, row by row. */
final class Conversions {
  private static final int EIGHT = 8;

  private final KernelFinder kernels;
  private final Map<DType, Map<DType, Kernel>> byTypes = new EnumMap<>(DType.class);

  Conversions(KernelFinder kernels) {
    this.kernels = kernels;
  }

  /**
   * Copies with rounding to the nearest.
   *
   * @param from {@code (N, C)} F32, BF16 or F16
   * @param to {@code (N, C)} F32 or BF16
   */
  void copy(Tensor from, Tensor to) {
    // Eight at a time, whichever the types.
    boolean wide = from.columns() % EIGHT == 0 && Packs.areAligned(from, to);
    Packs packs = new Packs(from.rows(), from.columns(), wide ? EIGHT : 1);
    kernel(from.type(), to.type())
        .withRows(from)
        .withRows(to)
        .with(packs.rows())
        .with(packs.columns())
        .with(wide)
        .launch(packs.blocks(), Packs.THREADS);
  }

  /** The tensor itself if it is of a type, else a copy in scratch memory. */
  Tensor as(DType type, Tensor tensor, DeviceScratch scratch) {
    if (tensor.type() == type) {
      return tensor;
    }
    long address = scratch.reserve(tensor.size() * type.bytes());
    Tensor copy = Tensor.onDevice(type, address, tensor.columns(), tensor.rows(), tensor.columns());
    copy(tensor, copy);
    return copy;
  }

  private Kernel kernel(DType from, DType to) {
    return byTypes
        .computeIfAbsent(from, type -> new EnumMap<>(DType.class))
        .computeIfAbsent(to, type -> load(from, type));
  }

  private Kernel load(DType from, DType to) {
    return kernels.get("conversions.cu", "convert_%s_%s".formatted(name(from), name(to)));
  }

  private static String name(DType type) {
    return switch (type) {
      case F32 -> "f32";
      case BF16 -> "bf16";
      case F16 -> "f16";
      case I32, I8 -> throw new IllegalArgumentException("no conversion of " + type);
    };
  }
}
