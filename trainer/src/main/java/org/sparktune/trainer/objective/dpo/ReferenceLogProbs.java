package org.sparktune.trainer.objective.dpo;

import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;

/** What the reference says of documents: what a dataset may keep of it. */
public final class ReferenceLogProbs {
  private ReferenceLogProbs() {}

  /**
   * Log-probabilities of the model without an adapter, summed over each document's targets.
   *
   * @return {@code (D)}, as {@link org.sparktune.trainer.model.DocumentLabels} has them
   */
  public static float[] of(Decoder decoder, Batch batch) {
    double[] sums = DocumentLogProbs.of(decoder, batch, Passage.BASE).sums();
    float[] rounded = new float[sums.length];
    for (int document = 0; document < sums.length; document++) {
      rounded[document] = (float) sums[document];
    }
    return rounded;
  }
}
