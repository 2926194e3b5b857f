package org.sparktune.trainer.engine.cpu;

import java.util.List;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.engine.AttentionShape;
import org.sparktune.trainer.engine.ElementLoops;
import org.sparktune.trainer.engine.Engine;
import org.sparktune.trainer.engine.EngineFootprint;
import org.sparktune.trainer.engine.LowRank;
import org.sparktune.trainer.engine.ScratchDemand;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.quantize.QuantizedMatrix;

/**
 * The engine on the processor. Products run block by block on the engine's own threads (see {@link
 * Gemm}), everything else in fused loops over rows; results depend neither on the number of threads
 * nor on timing. Calls come from one thread at a time.
 */
public final class CpuEngine implements Engine {
  private final CpuFootprint footprint;
  private final Gemm.Provider provider;
  private final Arena arena = new Arena("the CPU engine");
  private final Workers workers;
  private final Rows rows;
  private final ColumnLoops columns;
  private final Conversions conversions;
  private final Products products;
  private final MatrixVectors matrixVectors;
  private final Attention attention;
  private final VocabularyLoss vocabularyLoss;
  private final NormLoops norms;
  private final CpuVectors vectors;
  private long packedBytes;

  /**
   * Starts the engine's threads.
   *
   * @param provider the library for products
   * @param threads how many threads work, the caller's included
   */
  CpuEngine(Precision precision, int threads, Gemm.Provider provider) {
    this.footprint = new CpuFootprint(precision, threads);
    this.provider = provider;
    workers = new Workers(threads, provider);
    rows = new Rows(workers);
    columns = new ColumnLoops(rows);
    norms = new NormLoops(rows, columns);
    vectors = new CpuVectors(threads);
    conversions = new Conversions(rows);
    products = new Products(workers, rows, conversions);
    matrixVectors = new MatrixVectors(rows);
    attention = new Attention(workers, rows, bf16());
    vocabularyLoss = new VocabularyLoss(rows, products);
  }

  private boolean bf16() {
    return footprint.precision() == Precision.BF16;
  }

  @Override
  public String description() {
    return "CPU, %d threads, %s products by %s"
        .formatted(workers.count(), footprint.precision(), provider.description());
  }

  @Override
  public Precision precision() {
    return footprint.precision();
  }

  @Override
  public DType operandType() {
    return footprint.operandType();
  }

  @Override
  public EngineFootprint footprint() {
    return footprint;
  }

  @Override
  public long secondCopyBytes(long frozenBytes) {
    return footprint.secondCopyBytes(frozenBytes);
  }

  @Override
  public long scratchBytes(ScratchDemand demand) {
    return footprint.scratchBytes(demand);
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
  public Weight freeze(Tensor matrix) {
    DType wanted = operandType();
    if (matrix.type() == wanted) {
      return new PlainWeight(matrix, null);
    }
    Tensor operand = arena.allocate(wanted, matrix.rows(), matrix.columns());
    conversions.copy(matrix, operand);
    return new PlainWeight(operand, null);
  }

  @Override
  public Weight freezeForTraining(Tensor matrix) {
    DType wanted = operandType();
    long extra = matrix.size() * wanted.bytes();
    if (!provider.packs() || packedBytes + extra > PackedWeight.budget()) {
      return Engine.super.freezeForTraining(matrix);
    }
    packedBytes += extra;
    try (Arena transfer = new Arena("weights on their way into the library's layout")) {
      Tensor operand = matrix;
      if (matrix.type() != wanted) {
        operand = transfer.allocate(wanted, matrix.rows(), matrix.columns());
        conversions.copy(matrix, operand);
      }
      return new PackedWeight(
          products.pack(true, operand, arena), products.pack(false, operand, arena));
    }
  }

  @Override
  public Weight freezeQuantized(QuantizedMatrix matrix) {
    return new QuantizedWeight(matrix.copy(arena), bf16());
  }

  @Override
  public boolean retainsSource() {
    return true;
  }

  @Override
  public Weight track(Tensor matrix) {
    if (!bf16()) {
      return new PlainWeight(matrix, null);
    }
    Tensor operand = arena.allocate(DType.BF16, matrix.rows(), matrix.columns());
    PlainWeight weight = new PlainWeight(operand, matrix);
    refresh(weight);
    return weight;
  }

  @Override
  public void refresh(Weight tracked) {
    PlainWeight weight = (PlainWeight) tracked;
    if (weight.source() != null) {
      conversions.copy(weight.source(), weight.operand());
    }
  }

  @Override
  public void linear(Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate) {
    if (matrixVectors.suit(x, (CpuWeight) weight)) {
      matrixVectors.multiply(x, (CpuWeight) weight, bias, y, accumulate);
    } else {
      products.forward(x, (CpuWeight) weight, bias, y, accumulate, List.of());
    }
  }

  @Override
  public void linear(
      Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate, List<LowRank> added) {
    if (matrixVectors.suit(x, (CpuWeight) weight)) {
      Engine.super.linear(x, weight, bias, y, accumulate, added);
    } else {
      products.forward(x, (CpuWeight) weight, bias, y, accumulate, added);
    }
  }

  @Override
  public void linearInputGradient(Tensor dy, Weight weight, Tensor dx, boolean accumulate) {
    products.inputGradient(dy, (CpuWeight) weight, dx, accumulate);
  }

  @Override
  public void linearWeightGradient(Tensor dy, Tensor x, Tensor dWeight, Tensor dBias) {
    products.multiply(true, dy, false, x, bf16(), 1, 1, dWeight);
    if (dBias != null) {
      columns.addSums(dy, dBias);
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
    boolean half = a.type() == DType.BF16 || b.type() == DType.BF16;
    products.multiply(transposeA, a, transposeB, b, half, alpha, beta, c);
  }

  @Override
  public void embed(Tensor table, int[] ids, Tensor out) {
    rows.run(
        ids.length,
        out.columns(),
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            Conversions.copyRow(table, ids[row], out, row, worker);
          }
        });
  }

  @Override
  public void embedGradient(Tensor dOut, int[] ids, Tensor dTable) {
    columns.addRows(dOut, ids, dTable);
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
    rows.run(
        x.rows(),
        x.columns(),
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            for (long head = 0; head < x.columns(); head += headSize) {
              worker
                  .kernels()
                  .elements()
                  .rotate(
                      x.rowAddress(row) + head * Float.BYTES,
                      cos.rowAddress(positions[row]),
                      sin.rowAddress(positions[row]),
                      headSize / 2,
                      inverse);
            }
          }
        });
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
  public void cachedAttention(
      Tensor q,
      int[] starts,
      Tensor[] keys,
      Tensor[] values,
      int[] lengths,
      AttentionShape shape,
      Tensor out) {
    attention.cached(q, starts, keys, values, lengths, shape, out);
  }

  @Override
  public void swiglu(Tensor gate, Tensor up, Tensor out) {
    int columns = Math.toIntExact(gate.columns());
    rows.run(
        gate.rows(),
        columns,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            worker
                .kernels()
                .gates()
                .swiglu(
                    gate.rowAddress(row),
                    up.rowAddress(row),
                    out.rowAddress(row),
                    out.type() == DType.BF16,
                    columns);
          }
        });
  }

  @Override
  public void swigluGradient(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp) {
    int columns = Math.toIntExact(gate.columns());
    rows.run(
        gate.rows(),
        columns,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            worker
                .kernels()
                .gates()
                .swigluGradient(
                    dOut.rowAddress(row),
                    gate.rowAddress(row),
                    up.rowAddress(row),
                    dGate.rowAddress(row),
                    dUp.rowAddress(row),
                    dGate.type() == DType.BF16,
                    columns);
          }
        });
  }

  @Override
  public void add(Tensor x, Tensor y) {
    if (x.rows() == 1) {
      vectors.add(x, y);
      return;
    }
    int columns = Math.toIntExact(x.columns());
    rows.run(
        x.rows(),
        columns,
        (from, to, worker) -> {
          for (int row = from; row < to; row++) {
            worker.kernels().elements().add(x.rowAddress(row), y.rowAddress(row), columns);
          }
        });
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
  public void scaleColumns(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    columns.scale(x, scale, bias, out, accumulate);
  }

  @Override
  public void columnDots(Tensor a, Tensor b, Tensor dots) {
    columns.dots(a, b, dots);
  }

  @Override
  public void dropout(Tensor x, long seed, float probability, Tensor out, boolean accumulate) {
    rows.run(
        x.rows(),
        x.columns(),
        (from, to, worker) ->
            ElementLoops.dropout(
                x.rows(from, to),
                seed,
                from * x.columns(),
                probability,
                out.rows(from, to),
                accumulate));
  }

  @Override
  public void logits(Tensor hidden, Weight head, Tensor logits) {
    linear(hidden, head, null, logits, false);
  }

  @Override
  public int[] greatestColumns(Tensor logits) {
    int[] greatest = new int[Math.toIntExact(logits.rows())];
    rows.runInPieces(
        greatest.length,
        1,
        (row, from, to, worker) ->
            greatest[row] = ElementLoops.greatestColumn(logits.rowAddress(row), logits.columns()));
    return greatest;
  }

  @Override
  public void tokenLogProbs(
      Tensor hidden, Weight head, int[] targets, Tensor logProbs, Tensor logSumExp) {
    vocabularyLoss.logProbs(hidden, (CpuWeight) head, targets, logProbs, logSumExp);
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
        hidden, (CpuWeight) head, targets, logSumExp, dLogProbs, dHidden, dHead);
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
        hidden, (CpuWeight) head, targets, dLogProbs, logProbs, dHidden, dHead);
  }

  @Override
  public void close() {
    workers.close();
    products.close();
    attention.close();
    vocabularyLoss.close();
    norms.close();
    vectors.close();
    arena.close();
  }
}
