package org.sparktune.trainer.model;

/**
 * What is known of a batch's documents beside their tokens.
 *
 * @param margins by pair of documents, how much better the first is; empty where nobody said
 * @param referenceLogProbs by document, the sum that a reference model gives to its targets; empty
 *     where it has to be computed
 */
public record DocumentLabels(float[] margins, float[] referenceLogProbs) {

  /** Nothing is known. */
  public static final DocumentLabels NONE = new DocumentLabels(new float[0], new float[0]);
}
