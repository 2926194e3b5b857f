package org.sparktune.trainer.model;

/**
 * The gradient of a loss by what a decoder says of a batch's targets.
 *
 * @param dLogProbs {@code (M)}, by the targets' log-probabilities
 * @param dValues {@code (M)}, by the value head's values; empty where they have no part in the loss
 * @param dEntropy by the entropy of every target's distribution; 0 where it has no part in the loss
 */
public record ScoreGradients(float[] dLogProbs, float[] dValues, float dEntropy) {}
