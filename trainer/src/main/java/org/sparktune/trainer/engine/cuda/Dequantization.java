package org.sparktune.trainer.engine.cuda;

import java.util.EnumMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.BlockMatrix;
import org.sparktune.trainer.quantize.Fp8;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.Nf4;
import org.sparktune.trainer.quantize.Nf4Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;
import org.sparktune.trainer.quantize.StackedMatrix;

/** Decodes matrices of few bits to the values that the host decodes them to, bit by bit. */
final class Dequantization implements AutoCloseable {
  /** The GGML types that {@code dequantize.cu} has kernels for. */
  static final Set<GgmlType> TYPES =
      Set.of(
          GgmlType.Q4_0,
          GgmlType.Q4_1,
          GgmlType.Q5_0,
          GgmlType.Q5_1,
          GgmlType.Q8_0,
          GgmlType.Q4_K,
          GgmlType.Q5_K,
          GgmlType.Q6_K);

  private static final String FILE = "dequantize.cu";
  private static final int THREADS = 256;

  /** Elements that a thread decodes. */
  private static final int EIGHT = 8;

  private final KernelFinder finder;
  private final Staging staging;
  private final DeviceScratch tables;
  private final Map<GgmlType, TypedKernel> byType = new EnumMap<>(GgmlType.class);
  private TypedKernel normalFloat;
  private TypedKernel eightBits;
  private boolean filled;

  Dequantization(Device device, KernelFinder finder, Staging staging) {
    this.finder = finder;
    this.staging = staging;
    tables = new DeviceScratch(device, "the values of codes");
  }

  /**
   * Decodes a matrix.
   *
   * @param matrix with its tensors on the device, blocks of {@link #TYPES}
   * @param to {@code (rows, columns)} F32 or BF16
   */
  void decode(QuantizedMatrix matrix, Tensor to) {
    if (matrix instanceof StackedMatrix stacked) {
      long row = 0;
      for (QuantizedMatrix part : stacked.parts()) {
        decode(part, to.rows(row, row + part.rows()));
        row += part.rows();
      }
    } else if (matrix instanceof BlockMatrix blocks) {
      launch(blocks, to);
    } else if (matrix instanceof Fp8Matrix eightBits) {
      launch(eightBits, to);
    } else {
      launch((Nf4Matrix) matrix, to);
    }
  }

  private void launch(BlockMatrix matrix, Tensor to) {
    kernel(matrix.type())
        .of(to.type())
        .with(matrix.blocks())
        .with(matrix.columns())
        .with(matrix.rows())
        .withRows(to)
        .with(isWide(to))
        .launch(blocks(to), THREADS);
  }

  private void launch(Fp8Matrix matrix, Tensor to) {
    eightBits()
        .of(to.type())
        .with(matrix.codes())
        .with(tables() + (long) (Nf4.CODES + Nf4.SCALE_CODES) * Float.BYTES)
        .with(matrix.scales())
        .with(matrix.columns())
        .with(matrix.rows())
        .withRows(to)
        .with(isWide(to))
        .launch(blocks(to), THREADS);
  }

  private void launch(Nf4Matrix matrix, Tensor to) {
    Nf4Matrix.QuantizedScales twice = matrix.quantized();
    normalFloat()
        .of(to.type())
        .with(matrix.codes())
        .with(tables())
        .with(matrix.scales())
        .with(twice == null ? null : twice.codes())
        .with(twice == null ? null : twice.magnitudes())
        .with(twice == null ? null : twice.mean())
        .with(matrix.columns())
        .with(matrix.rows())
        .withRows(to)
        .with(isWide(to))
        .launch(blocks(to), THREADS);
  }

  private static boolean isWide(Tensor to) {
    return to.columns() % EIGHT == 0 && Packs.areAligned(to);
  }

  private static long blocks(Tensor to) {
    long threads = (to.size() + EIGHT - 1) / EIGHT;
    return (threads + THREADS - 1) / THREADS;
  }

  /** The kernels of a type of blocks. */
  TypedKernel kernel(GgmlType type) {
    return byType.computeIfAbsent(
        type,
        key -> TypedKernel.of(finder, FILE, "dequantize_" + key.name().toLowerCase(Locale.ROOT)));
  }

  /** The kernels of NF4. */
  TypedKernel normalFloat() {
    if (normalFloat == null) {
      normalFloat = TypedKernel.of(finder, FILE, "dequantize_nf4");
    }
    return normalFloat;
  }

  /** The kernels of E4M3. */
  TypedKernel eightBits() {
    if (eightBits == null) {
      eightBits = TypedKernel.of(finder, FILE, "dequantize_e4m3");
    }
    return eightBits;
  }

  /**
   * The values of NF4's 16 codes of elements and 256 codes of scales, then those of E4M3's 256
   * codes.
   */
  private long tables() {
    int own = Nf4.CODES + Nf4.SCALE_CODES;
    int count = own + Fp8.CODES;
    long address = tables.reserve((long) count * Float.BYTES);
    if (!filled) {
      int[] bits = new int[count];
      for (int i = 0; i < count; i++) {
        bits[i] = Float.floatToRawIntBits(i < own ? normal(i) : Fp8.value(i - own));
      }
      staging.upload(bits, address);
      filled = true;
    }
    return address;
  }

  private static float normal(int index) {
    return index < Nf4.CODES ? Nf4.value(index) : Nf4.scaleValue(index - Nf4.CODES);
  }

  @Override
  public void close() {
    tables.close();
  }
}
