package org.sparktune.trainer.engine.cuda;

import java.util.List;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRanks;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.Fp8Matrix;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/** Products with weights of every kind, each in the way that its kind asks for. */
final class FrozenProducts implements AutoCloseable {
  private final Products products;
  private final LazyWeights lazyWeights;
  private final Fp8Products fp8Products;
  private final QuantizedUploads uploads;
  private final boolean multipliesFp8;

  /**
   * @param products closed with it, as the next two are
   * @param multipliesFp8 whether matrices in E4M3 are multiplied as they are
   */
  FrozenProducts(
      Products products,
      LazyWeights lazyWeights,
      Fp8Products fp8Products,
      QuantizedUploads uploads,
      boolean multipliesFp8) {
    this.products = products;
    this.lazyWeights = lazyWeights;
    this.fp8Products = fp8Products;
    this.uploads = uploads;
    this.multipliesFp8 = multipliesFp8;
  }

  /** See {@link org.sparktune.trainer.engine.Engine#freezeQuantized}. */
  Weight freeze(QuantizedMatrix matrix) {
    QuantizedMatrix there = uploads.upload(matrix);
    if (multipliesFp8 && there instanceof Fp8Matrix eightBits && Fp8Products.suit(eightBits)) {
      return fp8Products.weight(eightBits, uploads.arena());
    }
    return new LazyWeight(there, null);
  }

  /** A weight that is no {@link Fp8Weight}, in the form that {@link Products} take. */
  CudaWeight dense(Weight weight) {
    return lazyWeights.ready(weight);
  }

  /**
   * See {@link org.sparktune.trainer.engine.Engine#linear}.
   *
   * @param addend null, y, or other memory
   */
  void linear(Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, List<LowRank> added) {
    if (weight instanceof Fp8Weight eightBits) {
      fp8Products.linear(x, eightBits, bias, addend, y);
      products.add(added, y);
    } else {
      products.linear(x, dense(weight), bias, addend, y, added);
    }
  }

  /**
   * See {@link org.sparktune.trainer.engine.Engine#linear}.
   *
   * @param addend null, or other memory than y
   */
  void linear(Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, LowRanks factors) {
    if (weight instanceof Fp8Weight) {
      products.multiply(false, x, true, factors.down(), 1, 0, factors.reduced());
      linear(x, weight, bias, addend, y, factors.added());
    } else {
      products.linear(x, dense(weight), bias, addend, y, factors);
    }
  }

  /** See {@link org.sparktune.trainer.engine.Engine#linearInputGradient}. */
  void inputGradient(Tensor dy, Weight weight, Tensor dx, boolean accumulate) {
    if (weight instanceof Fp8Weight eightBits) {
      fp8Products.inputGradient(dy, eightBits, dx, accumulate);
    } else {
      products.inputGradient(dy, dense(weight), dx, accumulate);
    }
  }

  /** See {@link org.sparktune.trainer.engine.Engine#linearInputGradient}, with factors. */
  void inputGradient(
      Tensor dy, Weight weight, Tensor dx, boolean accumulate, Tensor dReduced, Tensor down) {
    if (weight instanceof Fp8Weight eightBits) {
      fp8Products.inputGradient(dy, eightBits, dx, accumulate);
      products.multiply(false, dReduced, false, down, 1, 1, dx);
    } else {
      products.inputGradient(dy, dense(weight), dx, accumulate, dReduced, down);
    }
  }

  @Override
  public void close() {
    fp8Products.close();
    lazyWeights.close();
    products.close();
  }
}
