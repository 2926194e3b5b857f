package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Memory that every block uses in turn, for N tokens, of the engine's activation type where nothing
 * else is said.
 */
final class Scratch {
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
     * {@code (N, 2F)}: of gate and up, in the engine's operand type; null where that is the
     * activations' and the gradients are written over them.
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
      Ranks ranks = Ranks.of(plan);
      residual =
          carver.takeExtended(
              carver.types().activation(),
              tokens,
              config.hiddenSize(),
              Math.max(ranks.output(), ranks.down()));
      normed = carver.takeActivation(tokens, config.hiddenSize());
      activation = carver.takeActivation(tokens, config.feedForwardSize());
      gateUp =
          operandType == carver.types().activation()
              ? null
              : carver.takeExtended(
                  operandType, tokens, 2L * config.feedForwardSize(), ranks.gateUp());
      attention = carver.takeActivation(tokens, config.queryColumns());
      queryKeyValue =
          carver.takeExtended(
              carver.types().activation(),
              tokens,
              queryKeyColumns + config.keyColumns(),
              ranks.queryKeyValue());
      normedQueryKey =
          config.architecture().queryKeyNorm()
              ? carver.takeActivation(tokens, queryKeyColumns)
              : null;
      int rank = 0;
      int decomposedOut = 0;
      for (DecoderPlan.LayerPlan layer : plan.layers()) {
        for (GroupPlan group : layer.groups()) {
          rank = Math.max(rank, group.rank());
          decomposedOut = Math.max(decomposedOut, group.decomposed() ? group.out() : 0);
        }
      }
      reduced = carver.takeActivation(tokens, Math.max(1, rank));
      dropped = plan.dropout() > 0 ? carver.takeActivation(tokens, largestInput(config)) : null;
      linear = decomposedOut > 0 ? carver.takeActivation(tokens, decomposedOut) : null;
    }
  }

  Scratch(Carver carver, DecoderPlan plan, int tokens, boolean backward) {
    DecoderConfig config = plan.config();
    ElementTypes types = carver.types();
    DType operandType = plan.feedsProductsOnly() ? types.operand() : types.activation();
    hidden = carver.takeActivation(tokens, config.hiddenSize());
    Ranks ranks = Ranks.of(plan);
    normed =
        carver.takeExtended(
            types.activation(),
            tokens,
            config.hiddenSize(),
            Math.max(ranks.queryKeyValue(), ranks.gateUp()));
    activation = carver.takeExtended(operandType, tokens, config.feedForwardSize(), ranks.down());
    dropped =
        backward && plan.dropout() > 0 ? carver.takeActivation(tokens, largestInput(config)) : null;
    gradients = backward ? new Gradients(carver, plan, tokens, operandType) : null;
  }

  /** The highest rank of a group of linear modules in any block. */
  private record Ranks(int queryKeyValue, int output, int gateUp, int down) {
    static Ranks of(DecoderPlan plan) {
      int[] ranks = new int[4];
      for (DecoderPlan.LayerPlan layer : plan.layers()) {
        ranks[0] = Math.max(ranks[0], layer.queryKeyValue().rank());
        ranks[1] = Math.max(ranks[1], layer.output().rank());
        ranks[2] = Math.max(ranks[2], layer.gateUp().rank());
        ranks[3] = Math.max(ranks[3], layer.down().rank());
      }
      return new Ranks(ranks[0], ranks[1], ranks[2], ranks[3]);
    }
  }

  private static int largestInput(DecoderConfig config) {
    return Math.max(config.feedForwardSize(), Math.max(config.hiddenSize(), config.queryColumns()));
  }
}
