package org.sparktune.trainer.model;

/**
 * What is known of the targets of a batch of sampled responses: what the policy that sampled them
 * thought, and what they turned out to be worth. M is the number of targets, in the order of their
 * positions.
 *
 * @param sampledLogProbs {@code (M)}, of the policy that sampled
 * @param referenceLogProbs {@code (M)}, of the model that the policy should stay near
 * @param advantages {@code (M)}
 * @param sampledValues {@code (M)}, of the critic at sampling time; empty without one
 * @param returns {@code (M)}, what the critic should have said; empty without one
 * @param divergenceCoefficient of the divergence from the reference in the loss, 0 where it is in
 *     the rewards
 */
public record RolloutLabels(
    float[] sampledLogProbs,
    float[] referenceLogProbs,
    float[] advantages,
    float[] sampledValues,
    float[] returns,
    double divergenceCoefficient) {

  /** Of a batch that nobody sampled. */
  public static final RolloutLabels NONE =
      new RolloutLabels(new float[0], new float[0], new float[0], new float[0], new float[0], 0);
}
