package org.sparktune.trainer.engine.cuda;

import java.util.Arrays;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.KernelFinder;
import org.sparktune.trainer.engine.cuda.runtime.MatrixProducts;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.Fp8Matrix;

/**
 * Products of BF16 activations with matrices in E4M3: every row of the activations is quantized
 * with a scale of its own right before its product, which then runs at twice the speed.
 */
final class Fp8Products implements AutoCloseable {
  private static final String FILE = "fp8.cu";
  private static final int THREADS = 256;
  private static final int TILE = 32;

  /** What the library wants rows of codes to be multiples of. */
  private static final int MULTIPLE = 16;

  /** The first architecture whose library takes a scale for every row. */
  private static final int CAPABILITY = 90;

  private final MatrixProducts products;
  private final Conversions conversions;
  private final Staging staging;
  private final KernelFinder kernels;
  private final DeviceScratch codes;
  private final DeviceScratch scales;
  private final DeviceScratch halves;
  private final DeviceScratch biases;
  private Kernel quantizeRows;
  private Kernel transposeBytes;

  /**
   * @param products the library
   */
  Fp8Products(
      Device device,
      KernelFinder kernels,
      Conversions conversions,
      Staging staging,
      MatrixProducts products) {
    this.conversions = conversions;
    this.staging = staging;
    this.products = products;
    this.kernels = kernels;
    codes = new DeviceScratch(device, "activations in 8 bits");
    scales = new DeviceScratch(device, "scales of activations");
    halves = new DeviceScratch(device, "activations on their way to 8 bits");
    biases = new DeviceScratch(device, "a bias");
  }

  /** Whether a GPU has products of this kind. */
  static boolean isAble(int capability, DType operandType) {
    return capability >= CAPABILITY && operandType == DType.BF16;
  }

  /** Whether a matrix has a shape that the library takes. */
  static boolean suit(Fp8Matrix matrix) {
    return matrix.rows() % MULTIPLE == 0 && matrix.columns() % MULTIPLE == 0;
  }

  /**
   * A weight of codes on the device.
   *
   * @param arena what the transposed codes lie in
   */
  Fp8Weight weight(Fp8Matrix matrix, DeviceArena arena) {
    int[] bits = new int[Math.toIntExact(matrix.columns())];
    Arrays.fill(bits, Float.floatToRawIntBits(1));
    Tensor ones = arena.allocateUncleared(DType.F32, bits.length);
    staging.upload(bits, ones.deviceAddress());
    Tensor turned = arena.allocateUncleared(DType.I8, matrix.columns(), matrix.rows());
    transposeBytes()
        .with(matrix.codes())
        .with(Math.toIntExact(matrix.rows()))
        .with(Math.toIntExact(matrix.columns()))
        .with(turned)
        .launch(
            (matrix.columns() + TILE - 1) / TILE, (matrix.rows() + TILE - 1) / TILE, 1, THREADS, 0);
    return new Fp8Weight(matrix.codes(), turned, matrix.scales(), ones);
  }

  /**
   * y = x·Wᵀ (+ bias) (+ addend).
   *
   * @param bias F32, or null
   * @param addend null, y, or other memory
   */
  void linear(Tensor x, Fp8Weight weight, Tensor bias, Tensor addend, Tensor y) {
    Fp8Matrix quantized = quantized(x, null);
    Tensor base = addend == null ? y : addend;
    float beta = addend == null ? 0 : 1;
    products.multiplyScaled(
        quantized.codes(),
        quantized.scales(),
        weight.codes(),
        weight.scales(),
        beta,
        base,
        y,
        bias == null ? null : conversions.as(DType.BF16, bias, biases));
  }

  /** dx = dy·W (+ dx). */
  void inputGradient(Tensor dy, Fp8Weight weight, Tensor dx, boolean accumulate) {
    Fp8Matrix quantized = quantized(dy, weight.scales());
    products.multiplyScaled(
        quantized.codes(),
        quantized.scales(),
        weight.transposed(),
        weight.ones(),
        accumulate ? 1 : 0,
        dx,
        dx,
        null);
  }

  private Fp8Matrix quantized(Tensor given, Tensor columnScales) {
    Tensor x = given;
    if (x.type() != DType.BF16 || !Packs.areAligned(x)) {
      long half = halves.reserve(given.size() * DType.BF16.bytes());
      x = Tensor.onDevice(DType.BF16, half, given.columns(), given.rows(), given.columns());
      conversions.copy(given, x);
    }
    Tensor target =
        Tensor.onDevice(DType.I8, codes.reserve(x.size()), x.columns(), x.rows(), x.columns());
    long address = scales.reserve(x.rows() * Float.BYTES);
    Tensor rowScales = Tensor.onDevice(DType.F32, address, x.rows(), x.rows());
    quantizeRows()
        .withRows(x)
        .with(columnScales)
        .with(Math.toIntExact(x.columns()))
        .with(target)
        .with(rowScales)
        .launch(x.rows(), THREADS);
    return new Fp8Matrix(target, rowScales);
  }

  /** The kernel, which GPUs without such products cannot compile. */
  Kernel quantizeRows() {
    if (quantizeRows == null) {
      quantizeRows = kernels.get(FILE, "quantize_rows");
    }
    return quantizeRows;
  }

  /** The kernel. */
  Kernel transposeBytes() {
    if (transposeBytes == null) {
      transposeBytes = kernels.get(FILE, "transpose_bytes");
    }
    return transposeBytes;
  }

  @Override
  public void close() {
    codes.close();
    scales.close();
    halves.close();
    biases.close();
  }
}
