package org.sparktune.trainer.engine.cuda;

import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceScratch;
import org.sparktune.trainer.engine.cuda.runtime.Kernel;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.MatrixProducts;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Products of tensors of any of the engine's types: operands of two types are brought to the
 * narrower one first.
 */
final class Products implements AutoCloseable {
  private static final int THREADS = 256;

  private final MatrixProducts products;
  private final Conversions conversions;
  private final DeviceScratch left;
  private final DeviceScratch right;
  private final DeviceScratch biases;
  private final Kernel addBiasF32;
  private final Kernel addBiasBf16;

  Products(Device device, Kernels kernels, Conversions conversions) {
    this.conversions = conversions;
    products = new MatrixProducts(device);
    left = new DeviceScratch(device, "the left operand of a product");
    right = new DeviceScratch(device, "the right operand of a product");
    biases = new DeviceScratch(device, "a bias");
    addBiasF32 = kernels.get("conversions.cu", "add_bias_f32");
    addBiasBf16 = kernels.get("conversions.cu", "add_bias_bf16");
  }

  /** c = α·op(a)·op(b) + β·c. */
  void multiply(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alpha,
      float beta,
      Tensor c) {
    DType type = operandType(a, b, c);
    Tensor first = conversions.as(type, a, left);
    Tensor second = conversions.as(type, b, right);
    products.multiply(transposeA, first, transposeB, second, alpha, beta, c);
  }

  /** F32 operands stay as they are, unless their result is to be BF16. */
  private static DType operandType(Tensor a, Tensor b, Tensor c) {
    boolean half = a.type() == DType.BF16 || b.type() == DType.BF16 || c.type() == DType.BF16;
    return half ? DType.BF16 : DType.F32;
  }

  /**
   * y = x·Wᵀ (+ bias) (+ y).
   *
   * @param bias {@code (out)} F32 or null
   */
  void linear(Tensor x, Tensor weight, Tensor bias, Tensor y, boolean accumulate) {
    Tensor input = conversions.as(weight.type(), x, left);
    float beta = accumulate ? 1 : 0;
    if (bias == null) {
      products.multiply(false, input, true, weight, 1, beta, y);
    } else if (y.type() == weight.type()) {
      Tensor added = conversions.as(y.type(), bias, biases);
      products.multiply(false, input, true, weight, 1, beta, y, y, added);
    } else {
      products.multiply(false, input, true, weight, 1, beta, y);
      addBias(bias, y);
    }
  }

  private void addBias(Tensor bias, Tensor y) {
    Kernel kernel = y.type() == DType.F32 ? addBiasF32 : addBiasBf16;
    kernel
        .with(bias)
        .withRows(y)
        .with(y.rows())
        .with(y.columns())
        .launch((y.size() + THREADS - 1) / THREADS, THREADS);
  }

  @Override
  public void close() {
    left.close();
    right.close();
    biases.close();
    products.close();
  }
}
