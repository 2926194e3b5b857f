package org.sparktune.trainer.engine.cuda;

import java.util.List;
import java.util.OptionalLong;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.KeyValueCache;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.LowRankGradient;
import org.sparktune.trainer.engine.LowRanks;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.engine.cuda.runtime.Device;
import org.sparktune.trainer.engine.cuda.runtime.DeviceArena;
import org.sparktune.trainer.engine.cuda.runtime.DeviceIndexes;
import org.sparktune.trainer.engine.cuda.runtime.Kernels;
import org.sparktune.trainer.engine.cuda.runtime.MatrixProducts;
import org.sparktune.trainer.engine.cuda.runtime.Staging;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.memory.TensorArena;
import org.sparktune.trainer.memory.TensorShapes;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * The engine on an NVIDIA GPU. Operators are queued on one stream, so each sees what those before
 * it wrote; only copies to the host wait. Calls come from one thread at a time.
 */
final class CudaEngine extends MeasuredEngine {
  private final Device device;
  private final DeviceArena arena;
  private final Staging staging;
  private final Kernels kernels;
  private final DeviceIndexes indexes;
  private final CudaWeights weights;
  private final Products products;
  private final FrozenProducts frozenProducts;
  private final FactorGradients factorGradients;
  private final VocabularyLoss vocabularyLoss;
  private final CudaAttention attention;
  private final ColumnSums columnSums;
  private final Norms norms;
  private final Rope rope;
  private final Gates gates;
  private final ElementOperators elements;
  private final ChosenRows chosenRows;
  private final DrawnColumns drawnColumns;
  private final ParameterVectors vectors;

  /**
   * @param device closed with the engine
   */
  CudaEngine(Device device, Precision precision) {
    this(device, new CudaFootprint(precision, device.freeBytes(), device.capability()));
  }

  private CudaEngine(Device device, CudaFootprint footprint) {
    super(footprint);
    this.device = device;
    arena = new DeviceArena(device, "the CUDA engine");
    staging = new Staging(device);
    kernels = new Kernels(device);
    indexes = new DeviceIndexes(device, staging);
    Conversions conversions = new Conversions(kernels);
    weights = new CudaWeights(device, arena, staging, conversions, footprint);
    products = new Products(device, kernels, conversions);
    Dequantization dequantization = new Dequantization(device, kernels, staging);
    frozenProducts =
        new FrozenProducts(
            products,
            new LazyWeights(device, footprint, conversions, dequantization),
            new Fp8Products(device, kernels, conversions, staging, products.library()),
            new QuantizedUploads(arena, staging),
            footprint.multipliesFp8());
    factorGradients = new FactorGradients(device, kernels);
    vocabularyLoss = new VocabularyLoss(device, kernels, products, indexes);
    attention = new CudaAttention(device, kernels, staging);
    columnSums = new ColumnSums(device, kernels);
    norms = new Norms(kernels, columnSums);
    rope = new Rope(kernels, indexes);
    gates = new Gates(kernels);
    elements = new ElementOperators(kernels);
    chosenRows = new ChosenRows(device, kernels, indexes, staging);
    drawnColumns = new DrawnColumns(device, kernels, staging);
    vectors = new ParameterVectors(device, kernels, staging);
  }

  @Override
  public String description() {
    return "CUDA, %s, %s products by cuBLASLt %s"
        .formatted(device.name(), precision(), MatrixProducts.version());
  }

  @Override
  public OptionalLong availableBytes() {
    return OptionalLong.of(device.freeBytes());
  }

  @Override
  public TensorArena arena(String name) {
    return new DeviceArena(device, name);
  }

  @Override
  public Tensor allocate(DType type, long... shape) {
    return arena.allocate(type, shape);
  }

  @Override
  public long allocatedBytes() {
    return arena.allocatedBytes();
  }

  @Override
  public void copy(Tensor from, Tensor to) {
    TensorShapes.requireSame(from, to);
    device.makeCurrent();
    if (from.place() == Tensor.Place.HOST && to.place() == Tensor.Place.HOST) {
      HOST.copy(from, to);
    } else if (from.place() == Tensor.Place.HOST) {
      staging.upload(from, to);
    } else if (to.place() == Tensor.Place.HOST) {
      staging.download(from, to);
    } else {
      staging.copy(from, to);
    }
  }

  @Override
  public void zero(Tensor tensor) {
    device.makeCurrent();
    long width = tensor.columns() * tensor.type().bytes();
    long pitch = tensor.rowStride() * tensor.type().bytes();
    if (tensor.isContiguous()) {
      device.clear(tensor.deviceAddress(), tensor.rows() * width);
    } else {
      device.clearRows(tensor.deviceAddress(), pitch, width, tensor.rows());
    }
  }

  @Override
  public Weight freeze(Tensor matrix) {
    return weights.freeze(matrix);
  }

  @Override
  public Weight freezeForTraining(Tensor matrix) {
    return weights.freezeForTraining(matrix);
  }

  @Override
  public Weight freezeQuantized(QuantizedMatrix matrix) {
    return frozenProducts.freeze(matrix);
  }

  @Override
  public boolean retainsSource() {
    return true;
  }

  @Override
  public Weight track(Tensor matrix) {
    return weights.track(matrix, true);
  }

  @Override
  public Weight track(Tensor matrix, boolean copied) {
    return weights.track(matrix, copied);
  }

  @Override
  public void refresh(Weight tracked) {
    weights.refresh(tracked);
  }

  @Override
  public void linear(Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate) {
    frozenProducts.linear(x, weight, bias, accumulate ? y : null, y, List.of());
  }

  @Override
  public void linear(
      Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate, List<LowRank> added) {
    frozenProducts.linear(x, weight, bias, accumulate ? y : null, y, added);
  }

  @Override
  public void linear(
      Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, List<LowRank> added) {
    frozenProducts.linear(x, weight, bias, addend, y, added);
  }

  @Override
  public void linear(
      Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, LowRanks factors) {
    frozenProducts.linear(x, weight, bias, addend, y, factors);
  }

  @Override
  public void lowRankGradients(Tensor dy, List<LowRankGradient> gradients) {
    if (factorGradients.canAdd(dy, gradients)) {
      factorGradients.add(dy, gradients);
    } else {
      super.lowRankGradients(dy, gradients);
    }
  }

  @Override
  public void linearInputGradient(Tensor dy, Weight weight, Tensor dx, boolean accumulate) {
    frozenProducts.inputGradient(dy, weight, dx, accumulate);
  }

  @Override
  public void linearInputGradient(
      Tensor dy, Weight weight, Tensor dx, boolean accumulate, Tensor dReduced, Tensor down) {
    frozenProducts.inputGradient(dy, weight, dx, accumulate, dReduced, down);
  }

  @Override
  public void linearWeightGradient(Tensor dy, Tensor x, Tensor dWeight, Tensor dBias) {
    products.multiply(true, dy, false, x, 1, 1, dWeight);
    if (dBias != null) {
      columnSums.addColumns(dy, dBias);
    }
  }

  @Override
  public void product(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alpha,
      float beta,
      Tensor c) {
    products.multiply(transposeA, a, transposeB, b, alpha, beta, c);
  }

  @Override
  public void attention(
      Tensor q,
      Tensor k,
      Tensor v,
      int[] documentStarts,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp) {
    attention.forward(q, k, v, documentStarts, shape, out, logSumExp);
  }

  @Override
  public void attentionGradient(
      Tensor dOut,
      Tensor q,
      Tensor k,
      Tensor v,
      Tensor out,
      Tensor logSumExp,
      int[] documentStarts,
      AttentionShape shape,
      Tensor dq,
      Tensor dk,
      Tensor dv) {
    attention.gradient(dOut, q, k, v, out, logSumExp, documentStarts, shape, dq, dk, dv);
  }

  @Override
  public KeyValueCache keyValueCache(int layers, int columns, int[] capacities) {
    DeviceArena memory = new DeviceArena(device, "the key/value cache");
    return attention.cache(memory, activationType(), layers, columns, capacities);
  }

  @Override
  public void cachedAttention(
      Tensor q,
      int[] starts,
      Tensor[] keys,
      Tensor[] values,
      int[] lengths,
      AttentionShape shape,
      Tensor out) {
    throw new UnsupportedOperationException("the CUDA engine has a cache of its own");
  }

  @Override
  public void logits(Tensor hidden, Weight head, Tensor logits) {
    linear(hidden, head, null, logits, false);
  }

  @Override
  public void tokenLogProbs(
      Tensor hidden, Weight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    vocabularyLoss.logProbs(hidden, frozenProducts.dense(head), targets, logProbs, logSumExp);
  }

  @Override
  public void tokenLogProbsGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor logSumExp,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead) {
    vocabularyLoss.gradient(
        hidden, frozenProducts.dense(head), targets, logSumExp, dLogProbs, dHidden, dHead);
  }

  @Override
  public void tokenLossAndGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor logProbs,
      Tensor dHidden,
      Tensor dHead) {
    vocabularyLoss.lossAndGradient(
        hidden, frozenProducts.dense(head), targets, dLogProbs, logProbs, dHidden, dHead);
  }

  @Override
  public void embed(Tensor table, int[] ids, Tensor out) {
    chosenRows.gather(table, ids, out);
  }

  @Override
  public void embedGradient(Tensor dOut, int[] ids, Tensor dTable) {
    chosenRows.addRows(dOut, ids, dTable);
  }

  @Override
  public void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms) {
    norms.normalize(x, weight, eps, out, inverseRms);
  }

  @Override
  public void rmsNormGradient(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      Tensor dx,
      boolean accumulate,
      Tensor dWeight) {
    norms.gradient(dOut, x, weight, inverseRms, dx, accumulate, dWeight);
  }

  @Override
  public void rope(
      Tensor x, Tensor cos, Tensor sin, int[] positions, int headSize, boolean inverse) {
    rope.rotate(x, cos, sin, positions, headSize, inverse);
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {
    gates.swiglu(gate, up, out);
  }

  @Override
  public void swigluGradient(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    gates.gradient(dOut, gate, up, dGate, dUp);
  }

  @Override
  public void swigluAndGradient(
      Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp, Tensor out) {
    gates.gradientAndOut(dOut, gate, up, dGate, dUp, out);
  }

  @Override
  public void add(Tensor x, Tensor y) {
    elements.add(x, y);
  }

  @Override
  public void fill(Tensor tensor, float value) {
    elements.fill(tensor, value);
  }

  @Override
  public void scaleColumns(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    elements.scaleColumns(x, scale, bias, out, accumulate);
  }

  @Override
  public void columnDots(Tensor a, Tensor b, Tensor dots) {
    columnSums.products(a, b, dots);
  }

  @Override
  public void dropout(Tensor x, long seed, float probability, Tensor out, boolean accumulate) {
    elements.dropout(x, seed, probability, out, accumulate);
  }

  @Override
  public void divide(Tensor a, Tensor b, Tensor out, boolean accumulate) {
    elements.divide(a, b, out, accumulate);
  }

  @Override
  public void adaptedRowNorms(
      Tensor rowSquares, Tensor up, Tensor downWeight, Tensor downDown, float scale, Tensor norms) {
    elements.adaptedRowNorms(rowSquares, up, downWeight, downDown, scale, norms);
  }

  @Override
  public void gatherRows(Tensor x, int[] rows, Tensor out) {
    chosenRows.gather(x, rows, out);
  }

  @Override
  public void scatterRows(Tensor x, int[] rows, Tensor out) {
    zero(out);
    chosenRows.scatter(x, rows, out);
  }

  @Override
  public int[] greatestColumns(Tensor logits) {
    return chosenRows.greatestColumns(logits);
  }

  @Override
  public int[] drawColumns(Tensor logits, double temperature, double[] numbers) {
    return drawnColumns.draw(logits, temperature, numbers);
  }

  @Override
  public void addSquares(Tensor vector, Slices.Range range, ExactSum sum) {
    vectors.addSquares(vector, range, sum);
  }

  @Override
  public void adamW(
      AdamWStep step,
      List<Stretch> stretches,
      Tensor parameters,
      Tensor gradients,
      Tensor first,
      Tensor second) {
    vectors.adamW(step, stretches, parameters, gradients, first, second);
  }

  @Override
  public void close() {
    device.synchronize();
    vectors.close();
    chosenRows.close();
    drawnColumns.close();
    columnSums.close();
    attention.close();
    vocabularyLoss.close();
    factorGradients.close();
    frozenProducts.close();
    indexes.close();
    kernels.close();
    staging.close();
    arena.close();
    device.close();
  }
}
