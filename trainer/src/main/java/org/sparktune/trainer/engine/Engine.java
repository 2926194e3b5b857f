package org.sparktune.trainer.engine;

import java.util.List;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * The fused operators a decoder needs, forward and backward. N is the number of tokens (documents
 * laid end to end), C the hidden size, H query heads and K key/value heads of D elements each, F
 * the feed-forward size, V the vocabulary.
 *
 * <p>Tensors come from {@link #allocate} or an {@link #arena}, and nobody but the engine touches
 * their memory: host values come in and go out through {@link #copy}. Operators are carried out in
 * the order of their calls, but need not be over when a call returns; only a copy to the host is.
 * An array of indexes is not changed after an operator was given it, so an engine may keep its copy
 * of it.
 *
 * <p>Activations and their gradients are of {@link #activationType}; weights' gradients, trained
 * parameters, norms' weights, biases, angles, inverse RMS, logSumExp and log-probabilities are F32.
 * 2-D arguments may be column blocks of wider tensors (see {@link Tensor#rowStride()}). The same
 * inputs give the same bits: every reduction has a fixed order. "Accumulates" means that the result
 * is added to what the tensor holds; everything else is overwritten.
 */
public interface Engine
    extends VectorOperators, QuantizedProducts, TokenChoice, EngineFootprint, AutoCloseable {

  /** How products are computed. */
  enum Precision {
    /** F32 throughout. */
    F32,
    /** BF16 operands, F32 sums. */
    BF16
  }

  @Override
  String description();

  /** What this engine says of its memory, without the engine: of use after it is closed. */
  default EngineFootprint footprint() {
    return this;
  }

  /** Zeroed memory that lives as long as the engine; {@link #arena} gives shorter-lived. */
  Tensor allocate(DType type, long... shape);

  /** Bytes allocated so far, prepared matrices included, scratch memory not. */
  long allocatedBytes();

  /**
   * Prepares a frozen matrix.
   *
   * @param matrix {@code (out, in)} F32, BF16 or F16, contiguous, in host memory or the engine's;
   *     may be released afterwards unless {@link #retainsSource}
   */
  Weight freeze(Tensor matrix);

  /**
   * Prepares a frozen matrix for many products in both directions, perhaps with more memory than
   * {@link #freeze}. Results may differ from {@link #freeze}'s in the order of sums.
   *
   * @param matrix as {@link #freeze}'s; may be released afterwards
   */
  default Weight freezeForTraining(Tensor matrix) {
    if (!retainsSource()) {
      return freeze(matrix);
    }
    Tensor kept = allocate(matrix.type(), matrix.rows(), matrix.columns());
    copy(matrix, kept);
    return freeze(kept);
  }

  /** Whether {@link #freeze} and {@link #track} keep a reference to their argument's memory. */
  boolean retainsSource();

  /**
   * Prepares a matrix that training changes.
   *
   * @param matrix {@code (out, in)} F32, contiguous, the engine's, retained
   */
  Weight track(Tensor matrix);

  /**
   * {@link #track}, perhaps without a copy in the type that products take: each product then makes
   * its own, with the same bits.
   *
   * @param copied whether memory for a copy may be spent; see {@link #copiesTracked}
   */
  default Weight track(Tensor matrix, boolean copied) {
    return track(matrix);
  }

  /** Takes up new values of a matrix given to {@link #track}. */
  void refresh(Weight tracked);

  /**
   * y = x·Wᵀ (+ bias) (+ y).
   *
   * @param x {@code (N, in)} F32 or {@link #operandType}
   * @param weight {@code (out, in)}
   * @param bias {@code (out)} or null
   * @param y {@code (N, out)}
   * @param accumulate whether to add to y
   */
  void linear(Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate);

  /**
   * {@link #linear} and thin products added to its result: y = x·Wᵀ (+ bias) (+ y) + Σ s·t·Bᵀ.
   *
   * @param added what is added, each to its own columns of y
   */
  default void linear(
      Tensor x, Weight weight, Tensor bias, Tensor y, boolean accumulate, List<LowRank> added) {
    linear(x, weight, bias, y, accumulate);
    for (LowRank factor : added) {
      factor.add(this, y);
    }
  }

  /**
   * {@link #linear} added to a tensor that stays as it is: y = x·Wᵀ (+ bias) + addend + Σ s·t·Bᵀ.
   *
   * @param addend {@code (N, out)}, of y's type
   * @param y {@code (N, out)}, of other memory than the addend
   * @param added what is added, each to its own columns of y
   */
  default void linear(
      Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, List<LowRank> added) {
    copy(addend, y);
    linear(x, weight, bias, y, true, added);
  }

  /** As above with thin products whose t = x·Aᵀ is made first; the addend may be null. */
  default void linear(
      Tensor x, Weight weight, Tensor bias, Tensor addend, Tensor y, LowRanks factors) {
    factors.linear(this, x, weight, bias, addend, y);
  }

  /**
   * Gradients of thin products: dUp += s·dyᵀ·t and dReduced = s·dy·B, of each one's own columns.
   *
   * @param dy {@code (N, out)}: the gradient of what they were added to
   * @param gradients where they go
   */
  default void lowRankGradients(Tensor dy, List<LowRankGradient> gradients) {
    for (LowRankGradient gradient : gradients) {
      gradient.add(this, dy);
    }
  }

  /**
   * dx = dy·W (+ dx).
   *
   * @param dy {@code (N, out)} F32 or {@link #operandType}
   * @param weight {@code (out, in)}
   * @param dx {@code (N, in)}
   * @param accumulate whether to add to dx
   */
  void linearInputGradient(Tensor dy, Weight weight, Tensor dx, boolean accumulate);

  /**
   * {@link #linearInputGradient} and a thin product added to its result: dx = dy·W (+ dx) + d·A.
   *
   * @param dReduced d {@code (N, r)}
   * @param down A {@code (r, in)} F32
   */
  default void linearInputGradient(
      Tensor dy, Weight weight, Tensor dx, boolean accumulate, Tensor dReduced, Tensor down) {
    linearInputGradient(dy, weight, dx, accumulate);
    product(false, dReduced, false, down, 1, 1, dx);
  }

  /**
   * dW += dyᵀ·x and db += column sums of dy.
   *
   * @param dy {@code (N, out)}
   * @param x {@code (N, in)}
   * @param dWeight {@code (out, in)} F32, accumulates
   * @param dBias {@code (out)} F32 or null, accumulates
   */
  void linearWeightGradient(Tensor dy, Tensor x, Tensor dWeight, Tensor dBias);

  /**
   * c = alpha·op(a)·op(b) + beta·c for matrices of any size, such as LoRA's thin factors. If a or b
   * is of {@link #operandType}, both are rounded to it; otherwise they are F32.
   *
   * @param transposeA whether op(a) = aᵀ
   * @param transposeB whether op(b) = bᵀ
   */
  void product(
      boolean transposeA,
      Tensor a,
      boolean transposeB,
      Tensor b,
      float alpha,
      float beta,
      Tensor c);

  /**
   * out[n] = table[ids[n]].
   *
   * @param table {@code (V, C)} F32, BF16 or F16
   * @param ids N ids
   * @param out {@code (N, C)} F32
   */
  void embed(Tensor table, int[] ids, Tensor out);

  /**
   * dTable[ids[n]] += dOut[n], in the order of n.
   *
   * @param dOut {@code (N, C)}
   * @param dTable {@code (V, C)} F32, accumulates
   */
  void embedGradient(Tensor dOut, int[] ids, Tensor dTable);

  /**
   * out = x / √(mean(x²) + eps) · weight (Zhang and Sennrich 2019), row by row. Also used per head
   * (QK norm) with {@code (N·H, D)}.
   *
   * @param x {@code (N, C)}
   * @param weight {@code (C)} F32
   * @param out {@code (N, C)}
   * @param inverseRms {@code (N)} F32, kept for the gradient
   */
  void rmsNorm(Tensor x, Tensor weight, float eps, Tensor out, Tensor inverseRms);

  /**
   * Gradient of {@link #rmsNorm}.
   *
   * @param dOut {@code (N, C)}
   * @param dx {@code (N, C)}
   * @param accumulate whether to add to dx
   * @param dWeight {@code (C)} F32 or null, accumulates
   */
  void rmsNormGradient(
      Tensor dOut,
      Tensor x,
      Tensor weight,
      Tensor inverseRms,
      Tensor dx,
      boolean accumulate,
      Tensor dWeight);

  /**
   * Rotates the two halves of every head by its position's angles, in place (Su et al. 2021,
   * "rotate half" layout).
   *
   * @param x {@code (N, heads·D)}
   * @param cos {@code (positions, D/2)} F32
   * @param sin {@code (positions, D/2)} F32
   * @param positions N positions
   * @param headSize D
   * @param inverse rotate back: the gradient of the rotation
   */
  void rope(Tensor x, Tensor cos, Tensor sin, int[] positions, int headSize, boolean inverse);

  /**
   * Causal grouped-query attention inside each document: out = softmax(q·kᵀ·scale)·v, never holding
   * an N × N matrix.
   *
   * @param q {@code (N, H·D)}
   * @param k {@code (N, K·D)}
   * @param v {@code (N, K·D)}
   * @param documentStarts {@code D + 1} token indexes
   * @param shape heads, sizes, scale, window
   * @param out {@code (N, H·D)}
   * @param logSumExp {@code (N, H)} F32, kept for the gradient; null when there will be none
   */
  void attention(
      Tensor q,
      Tensor k,
      Tensor v,
      int[] documentStarts,
      AttentionShape shape,
      Tensor out,
      Tensor logSumExp);

  /**
   * Gradient of {@link #attention}; recomputes the probabilities block by block (Dao 2023).
   *
   * @param dOut {@code (N, H·D)}
   * @param dq {@code (N, H·D)}
   * @param dk {@code (N, K·D)}
   * @param dv {@code (N, K·D)}
   */
  void attentionGradient(
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
      Tensor dv);

  /**
   * An empty cache for generation.
   *
   * @param layers blocks of the model
   * @param columns K·D
   * @param capacities most tokens of each sequence
   */
  default KeyValueCache keyValueCache(int layers, int columns, int[] capacities) {
    return new RowCache(this, layers, columns, capacities);
  }

  /**
   * Attention of new tokens against cached rows: sequence s contributes {@code starts[s+1] -
   * starts[s]} query rows which are the last positions of its {@code lengths[s]} cached keys. An
   * engine with a {@link #keyValueCache} of its own need not have it.
   *
   * @param q {@code (N, H·D)} queries of all sequences
   * @param starts S + 1 indexes of each sequence's first query row
   * @param keys per sequence {@code (capacity, K·D)}
   * @param values per sequence {@code (capacity, K·D)}
   * @param lengths per sequence the valid rows of its cache, the new tokens included
   * @param out {@code (N, H·D)}
   */
  void cachedAttention(
      Tensor q,
      int[] starts,
      Tensor[] keys,
      Tensor[] values,
      int[] lengths,
      AttentionShape shape,
      Tensor out);

  /**
   * out = silu(gate) · up (Shazeer 2020).
   *
   * @param gate {@code (N, F)}
   * @param up {@code (N, F)}
   * @param out {@code (N, F)} F32 or {@link #operandType}
   */
  void swiglu(Tensor gate, Tensor up, Tensor out);

  /**
   * Gradient of {@link #swiglu}; F32 dGate and dUp may be the memory of gate and up.
   *
   * @param dOut {@code (N, F)}
   * @param dGate {@code (N, F)} F32 or {@link #operandType}
   * @param dUp as dGate
   */
  void swigluGradient(Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp);

  /** {@link #swigluGradient} after {@link #swiglu}, which an engine may make in one pass. */
  default void swigluAndGradient(
      Tensor dOut, Tensor gate, Tensor up, Tensor dGate, Tensor dUp, Tensor out) {
    swiglu(gate, up, out);
    swigluGradient(dOut, gate, up, dGate, dUp);
  }

  /**
   * out = x · scale + bias (+ out), column by column (DoRA's gain).
   *
   * @param x {@code (N, C)}
   * @param scale {@code (C)} F32
   * @param bias {@code (C)} F32 or null
   * @param out {@code (N, C)}
   * @param accumulate whether to add to out
   */
  default void scaleColumns(Tensor x, Tensor scale, Tensor bias, Tensor out, boolean accumulate) {
    ElementLoops.scaleColumns(x, scale, bias, out, accumulate);
  }

  /**
   * dots[c] = Σ over n of a[n, c] · b[n, c], in some fixed order.
   *
   * @param a {@code (N, C)}
   * @param b {@code (N, C)}
   * @param dots {@code (C)} F32
   */
  default void columnDots(Tensor a, Tensor b, Tensor dots) {
    ElementLoops.columnDots(a, b, dots);
  }

  /**
   * out = x / (1 - probability) where an element is kept, 0 where it is dropped (+ out). Element
   * (n, c) is kept by a hash of the seed and n·C + c, so that a gradient needs no stored mask.
   *
   * @param x {@code (N, C)}
   * @param probability of dropping an element, in [0, 1)
   * @param out {@code (N, C)}
   * @param accumulate whether to add to out
   */
  default void dropout(Tensor x, long seed, float probability, Tensor out, boolean accumulate) {
    ElementLoops.dropout(x, seed, 0, probability, out, accumulate);
  }

  /**
   * out = a / b (+ out), element by element.
   *
   * @param a {@code (C)} F32
   * @param b {@code (C)} F32
   * @param out {@code (C)} F32
   * @param accumulate whether to add to out
   */
  default void divide(Tensor a, Tensor b, Tensor out, boolean accumulate) {
    ElementLoops.divide(a, b, out, accumulate);
  }

  /**
   * Norms of the rows of W + s·B·A, of which only products are known, in double precision (DoRA):
   * {@code norms[o] = √(‖w‖² + 2s·b·(A·w) + s²·b·(A·Aᵀ)·bᵀ)} with w and b the o-th rows of W and B.
   *
   * @param rowSquares {@code (out)} F32: ‖w‖²
   * @param up {@code (out, r)} F32: B
   * @param downWeight {@code (r, out)} F32: A·Wᵀ
   * @param downDown {@code (r, r)} F32: A·Aᵀ
   * @param scale s
   * @param norms {@code (out)} F32
   */
  default void adaptedRowNorms(
      Tensor rowSquares, Tensor up, Tensor downWeight, Tensor downDown, float scale, Tensor norms) {
    ElementLoops.adaptedRowNorms(rowSquares, up, downWeight, downDown, scale, norms);
  }

  /**
   * out[i] = x[rows[i]].
   *
   * @param x {@code (N, C)}
   * @param rows M row indexes
   * @param out {@code (M, C)} of the same type
   */
  default void gatherRows(Tensor x, int[] rows, Tensor out) {
    ElementLoops.gatherRows(x, rows, out);
  }

  /**
   * out[rows[i]] = x[i], and zero in all other rows.
   *
   * @param x {@code (M, C)}
   * @param rows M row indexes without repetition
   * @param out {@code (N, C)} of the same type
   */
  default void scatterRows(Tensor x, int[] rows, Tensor out) {
    zero(out);
    ElementLoops.scatterRows(x, rows, out);
  }

  /**
   * logits = hidden·headᵀ; for generation and tests, not for training.
   *
   * @param hidden {@code (M, C)}
   * @param head {@code (V, C)}
   * @param logits {@code (M, V)} F32
   */
  void logits(Tensor hidden, Weight head, Tensor logits);

  /**
   * Log-probabilities of target tokens over vocabulary chunks; never holds {@code (M, V)} logits.
   *
   * @param hidden {@code (M, C)}
   * @param head {@code (V, C)}
   * @param targets M ids
   * @param logProbs {@code (M)} F32
   * @param logSumExp {@code (M)} F32, kept for {@link #tokenLogProbsGradient}
   */
  void tokenLogProbs(Tensor hidden, Weight head, int[] targets, Tensor logProbs, Tensor logSumExp);

  /**
   * Gradient of {@link #tokenLogProbs}: recomputes the logits chunk by chunk.
   *
   * @param dLogProbs {@code (M)} F32
   * @param dHidden {@code (M, C)}
   * @param dHead {@code (V, C)} F32 or null, accumulates
   */
  void tokenLogProbsGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor logSumExp,
      Tensor dLogProbs,
      Tensor dHidden,
      Tensor dHead);

  /**
   * {@link #tokenLogProbs} and {@link #tokenLogProbsGradient} in one pass over the logits when the
   * gradient of every log-probability is known beforehand (cross-entropy: {@code -1/tokens});
   * logits are computed once, in row chunks.
   */
  void tokenLossAndGradient(
      Tensor hidden,
      Weight head,
      int[] targets,
      Tensor dLogProbs,
      Tensor logProbs,
      Tensor dHidden,
      Tensor dHead);

  /** Releases the engine's memory. */
  @Override
  void close();
}
