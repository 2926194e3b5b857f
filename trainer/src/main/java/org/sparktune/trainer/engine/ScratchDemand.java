package org.sparktune.trainer.engine;

/**
 * What decides how much memory an engine takes for itself while it runs a model.
 *
 * @param tokens tokens of the largest batch
 * @param longestDocument tokens of the longest document in it
 * @param widestInput columns of the widest input of a linear module
 * @param widestOutput columns of the widest output of a linear module but the head
 * @param vocabulary rows of the head
 * @param attention heads and their size
 * @param backward whether gradients are computed
 * @param trainsMatrices whether whole weight matrices get gradients
 * @param quantizedElements elements of the largest matrix that is decoded for its products
 */
public record ScratchDemand(
    int tokens,
    int longestDocument,
    int widestInput,
    int widestOutput,
    int vocabulary,
    AttentionShape attention,
    boolean backward,
    boolean trainsMatrices,
    long quantizedElements) {}
