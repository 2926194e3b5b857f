package org.sparktune.trainer.engine.cuda;

import java.util.List;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRanks;
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
  private final Factors factors;
  private final DeviceScratch left;
  private final DeviceScratch right;
  private final DeviceScratch biases;
  private final Kernel addBiasF32;
  private final Kernel addBiasBf16;

  Products(Device device, Kernels kernels, Conversions conversions) {
    this.conversions = conversions;
    factors = new Factors(kernels);
    products = new MatrixProducts(device);
    left = new DeviceScratch(device, "the left operand of a product");
    right = new DeviceScratch(device, "the right operand of a product");
    biases = new DeviceScratch(device, "a bias");
    addBiasF32 = kernels.get("conversions.cu", "add_bias_f32");
    addBiasBf16 = kernels.get("conversions.cu", "add_bias_bf16");
  }

  /** The library behind them. */
  MatrixProducts library() {
    return products;
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

  /** y = x·Wᵀ. */
  void linear(Tensor x, Tensor weight, Tensor y) {
    linear(x, weight, null, null, y);
  }

  /** y = x·Wᵀ (+ bias) (+ addend), which may be y itself. */
  private void linear(Tensor x, Tensor weight, Tensor bias, Tensor addend, Tensor y) {
    Tensor input = conversions.as(weight.type(), x, left);
    float beta = addend == null ? 0 : 1;
    Tensor base = addend == null ? y : addend;
    boolean inProduct = bias != null && y.type() == weight.type();
    Tensor added = inProduct ? conversions.as(y.type(), bias, biases) : null;
    products.multiply(false, input, true, weight, 1, beta, base, y, added);
    if (bias != null && !inProduct) {
      addBias(bias, y);
    }
  }

  /**
   * See {@link org.sparktune.trainer.engine.Engine#linear}.
   *
   * @param addend null, y, or other memory
   */
  void linear(
      Tensor x, CudaWeight weight, Tensor bias, Tensor addend, Tensor y, List<LowRank> added) {
    if (!added.isEmpty() && factors.canExtend(x, weight, added)) {
      Tensor inputs = factors.inputs(x, added);
      linear(inputs, factors.weightColumns(weight, added), bias, addend, y);
      return;
    }
    linear(x, weight.operand(), bias, addend, y);
    add(added, y);
  }

  /**
   * See {@link org.sparktune.trainer.engine.Engine#linear}.
   *
   * @param addend null, or other memory than y
   */
  void linear(Tensor x, CudaWeight weight, Tensor bias, Tensor addend, Tensor y, LowRanks thin) {
    if (factors.canReduce(x, weight, thin)) {
      Tensor inputs = factors.reduceAndExtend(x, weight, thin);
      linear(inputs, factors.withColumns(weight), bias, addend, y);
      return;
    }
    multiply(false, x, true, thin.down(), 1, 0, thin.reduced());
    linear(x, weight, bias, addend, y, thin.added());
  }

  /** y += Σ s·t·Bᵀ, each to its own columns. */
  void add(List<LowRank> added, Tensor y) {
    for (LowRank factor : added) {
      long first = factor.firstColumn();
      Tensor columns = y.columns(first, first + factor.up().rows());
      multiply(false, factor.reduced(), true, factor.up(), factor.scale(), 1, columns);
    }
  }

  /** See {@link org.sparktune.trainer.engine.Engine#linearInputGradient}. */
  void inputGradient(Tensor dy, CudaWeight weight, Tensor dx, boolean accumulate) {
    inputGradient(dy, weight.operand(), dx, accumulate);
  }

  private void inputGradient(Tensor dy, Tensor matrix, Tensor dx, boolean accumulate) {
    Tensor gradient = conversions.as(matrix.type(), dy, left);
    products.multiply(false, gradient, false, matrix, 1, accumulate ? 1 : 0, dx);
  }

  /** See {@link org.sparktune.trainer.engine.Engine#linearInputGradient}, with factors. */
  void inputGradient(
      Tensor dy, CudaWeight weight, Tensor dx, boolean accumulate, Tensor dReduced, Tensor down) {
    if (factors.canExtend(dy, weight, dReduced)) {
      Tensor gradients = factors.gradients(dy, dReduced);
      inputGradient(gradients, factors.weightRows(weight, down), dx, accumulate);
      return;
    }
    inputGradient(dy, weight.operand(), dx, accumulate);
    multiply(false, dReduced, false, down, 1, 1, dx);
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
