package org.sparktune.trainer.model;

import java.util.List;
import java.util.function.Function;

/**
 * What is known of a batch's documents beside their tokens.
 *
 * @param margins by pair of documents, how much better the first is; empty where nobody said
 * @param referenceLogProbs by document, the sum that a reference model gives to its targets; empty
 *     where it has to be computed
 * @param scores by document, the reward that it was given; empty where nobody said
 */
public record DocumentLabels(float[] margins, float[] referenceLogProbs, float[] scores) {

  /** Nothing is known. */
  public static final DocumentLabels NONE =
      new DocumentLabels(new float[0], new float[0], new float[0]);

  /** The labels of documents laid end to end. */
  public static DocumentLabels join(List<DocumentLabels> parts) {
    return new DocumentLabels(
        join(parts, DocumentLabels::margins),
        join(parts, DocumentLabels::referenceLogProbs),
        join(parts, DocumentLabels::scores));
  }

  private static float[] join(List<DocumentLabels> parts, Function<DocumentLabels, float[]> which) {
    int length = 0;
    for (DocumentLabels part : parts) {
      length += which.apply(part).length;
    }
    float[] joined = new float[length];
    int place = 0;
    for (DocumentLabels part : parts) {
      float[] values = which.apply(part);
      System.arraycopy(values, 0, joined, place, values.length);
      place += values.length;
    }
    return joined;
  }
}
