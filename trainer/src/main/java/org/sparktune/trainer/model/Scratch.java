package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/** Memory that every block uses in turn, for N tokens. */
final class Scratch {
  /** {@code (N, D/2)}. */
  final Tensor cos;

  /** {@code (N, D/2)}. */
  final Tensor sin;

  /** {@code (N, C)}: the last block's output. */
  final Tensor hidden;

  /** {@code (N, C)}: a norm's output. */
  final Tensor normed;

  /** {@code (N, F)}: silu(gate) · up; in the engine's operand type where only products read it. */
  final Tensor activation;

  /** {@code (N, max in)}: an input after dropout; null without dropout. */
  final Tensor dropped;

  final Gradients gradients;

  /** What only a backward pass needs. */
  static final class Gradients {
    /** {@code (N, C)}: of the residual stream. */
    final Tensor residual;

    /** {@code (N, C)}: of a norm's output. */
    final Tensor normed;

    /** {@code (N, F)}. */
    final Tensor activation;

    /**
     * {@code (N, 2F)}: of gate and up, in the engine's operand type; null where their gradients are
     * written over them.
     */
    final Tensor gateUp;

    /** {@code (N, H·D)}. */
    final Tensor attention;

    /** {@code (N, (H + 2K)·D)}. */
    final Tensor queryKeyValue;

    /** {@code (N, (H + K)·D)}: before the QK norms; null without them. */
    final Tensor normedQueryKey;

    /** {@code (N · max Σr)}: of x·Aᵀ. */
    final Tensor reduced;

    /** {@code (N, max in)}: of an input after dropout; null without dropout. */
    final Tensor dropped;

    /** {@code (N, max out)}: before DoRA's gain; null without DoRA. */
    final Tensor linear;

    private Gradients(Carver carver, DecoderPlan plan, int tokens, DType operandType) {
      DecoderConfig config = plan.config();
      int queryKeyColumns = config.queryColumns() + config.keyColumns();
      residual = carver.take(tokens, config.hiddenSize());
      normed = carver.take(tokens, config.hiddenSize());
      activation = carver.take(tokens, config.feedForwardSize());
      gateUp =
          operandType == DType.F32
              ? null
              : carver.take(operandType, tokens, 2L * config.feedForwardSize());
      attention = carver.take(tokens, config.queryColumns());
      queryKeyValue = carver.take(tokens, queryKeyColumns + config.keyColumns());
      normedQueryKey =
          config.architecture().queryKeyNorm() ? carver.take(tokens, queryKeyColumns) : null;
      int rank = 0;
      int decomposedOut = 0;
      for (DecoderPlan.LayerPlan layer : plan.layers()) {
        for (GroupPlan group : layer.groups()) {
          rank = Math.max(rank, group.rank());
          decomposedOut = Math.max(decomposedOut, group.decomposed() ? group.out() : 0);
        }
      }
      reduced = carver.take(tokens, Math.max(1, rank));
      dropped = plan.dropout() > 0 ? carver.take(tokens, largestInput(config)) : null;
      linear = decomposedOut > 0 ? carver.take(tokens, decomposedOut) : null;
    }
  }

  /**
   * @param preferred the type in which products read their operands best
   */
  Scratch(Carver carver, DecoderPlan plan, int tokens, boolean backward, DType preferred) {
    DecoderConfig config = plan.config();
    DType operandType = plan.feedsProductsOnly() ? preferred : DType.F32;
    cos = carver.take(tokens, config.headSize() / 2);
    sin = carver.take(tokens, config.headSize() / 2);
    hidden = carver.take(tokens, config.hiddenSize());
    normed = carver.take(tokens, config.hiddenSize());
    activation = carver.take(operandType, tokens, config.feedForwardSize());
    dropped = backward && plan.dropout() > 0 ? carver.take(tokens, largestInput(config)) : null;
    gradients = backward ? new Gradients(carver, plan, tokens, operandType) : null;
  }

  private static int largestInput(DecoderConfig config) {
    return Math.max(config.feedForwardSize(), Math.max(config.hiddenSize(), config.queryColumns()));
  }
}
