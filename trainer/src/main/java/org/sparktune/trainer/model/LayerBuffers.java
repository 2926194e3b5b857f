package org.sparktune.trainer.model;

import org.sparktune.trainer.memory.Tensor;

/**
 * What a block's forward pass leaves for its backward pass, for N tokens. Norm outputs and the
 * product of gate and up are not kept: recomputing them costs one pass over memory, keeping them
 * half as much memory again. All are of the engine's activation type but inverse RMS and logSumExp.
 */
final class LayerBuffers {
  /** {@code (N, C)}: the block's input. */
  final Tensor input;

  /** {@code (N)}: of the first norm. */
  final Tensor inputInverseRms;

  /** {@code (N, (H + 2K)·D)}: queries, keys and values; rotated in place without a QK norm. */
  final Tensor queryKeyValue;

  /** {@code (N, (H + K)·D)}: queries and keys after norm and rotation; null without a QK norm. */
  final Tensor normedQueryKey;

  /** {@code (H + K, N)}: of the QK norms; null without. */
  final Tensor[] headInverseRms;

  /** {@code (N, H·D)}: what the heads read out. */
  final Tensor attention;

  /** {@code (N, H)}. */
  final Tensor logSumExp;

  /** {@code (N, C)}: the residual stream after attention. */
  final Tensor middle;

  /** {@code (N)}: of the second norm. */
  final Tensor middleInverseRms;

  /** {@code (N, 2F)}: gate and up; their gradients are written over them. */
  final Tensor gateUp;

  final GroupBuffers queryKeyValueFactors;
  final GroupBuffers outputFactors;
  final GroupBuffers gateUpFactors;
  final GroupBuffers downFactors;

  /**
   * What a group of linear modules leaves.
   *
   * @param reduced {@code (N, Σr)}: x·Aᵀ of all factors; null without factors
   * @param linear {@code (N, out)}: the output before DoRA's gain; null without DoRA
   */
  record GroupBuffers(Tensor reduced, Tensor linear) {
    static GroupBuffers of(Carver carver, GroupPlan plan, int tokens) {
      return new GroupBuffers(
          plan.adapted() ? carver.takeActivation(tokens, plan.rank()) : null,
          plan.decomposed() ? carver.takeActivation(tokens, plan.out()) : null);
    }
  }

  LayerBuffers(Carver carver, DecoderConfig config, DecoderPlan.LayerPlan plan, int tokens) {
    int queryKeyColumns = config.queryColumns() + config.keyColumns();
    input = carver.takeActivation(tokens, config.hiddenSize());
    inputInverseRms = carver.take(tokens);
    queryKeyValue = carver.takeActivation(tokens, queryKeyColumns + config.keyColumns());
    if (config.architecture().queryKeyNorm()) {
      normedQueryKey = carver.takeActivation(tokens, queryKeyColumns);
      headInverseRms = new Tensor[config.heads() + config.keyValueHeads()];
      for (int head = 0; head < headInverseRms.length; head++) {
        headInverseRms[head] = carver.take(tokens);
      }
    } else {
      normedQueryKey = null;
      headInverseRms = null;
    }
    attention = takeExtended(carver, tokens, config.queryColumns(), plan.output());
    logSumExp = carver.take(tokens, config.heads());
    middle = carver.takeActivation(tokens, config.hiddenSize());
    middleInverseRms = carver.take(tokens);
    gateUp = takeExtended(carver, tokens, 2L * config.feedForwardSize(), plan.gateUp());
    queryKeyValueFactors = GroupBuffers.of(carver, plan.queryKeyValue(), tokens);
    outputFactors = GroupBuffers.of(carver, plan.output(), tokens);
    gateUpFactors = GroupBuffers.of(carver, plan.gateUp(), tokens);
    downFactors = GroupBuffers.of(carver, plan.down(), tokens);
  }

  private static Tensor takeExtended(Carver carver, int tokens, long columns, GroupPlan group) {
    return carver.takeExtended(carver.types().activation(), tokens, columns, group.rank());
  }
}
