package org.sparktune.trainer.model;

import java.util.List;
import org.sparktune.trainer.engine.Weight;
import org.sparktune.trainer.memory.Tensor;

/**
 * Everything a decoder multiplies by.
 *
 * @param embedding {@code (V, C)}
 * @param dEmbedding {@code (V, C)} or null when frozen
 * @param layers the blocks
 * @param finalNorm before the head
 * @param head {@code (V, C)}, or null where a score head stands in its place
 * @param dHead {@code (V, C)} or null when frozen; the embedding's when they are one parameter
 * @param valueHead a critic, or null
 * @param scoreHead a reward model's, or null
 * @param trained the flat vectors behind all that is trained
 */
record DecoderWeights(
    Tensor embedding,
    Tensor dEmbedding,
    List<DecoderLayer> layers,
    Norm finalNorm,
    Weight head,
    Tensor dHead,
    ValueHead valueHead,
    DocumentHead scoreHead,
    TrainedParameters trained) {}
