package org.sparktune.trainer.objective.dpo;

import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;

/**
 * Log-probabilities by document. D is the number of a batch's documents.
 *
 * @param sums {@code (D)}, over each document's targets
 * @param targets {@code (D)}, how many those are
 */
record DocumentLogProbs(double[] sums, int[] targets) {

  /**
   * Sums log-probabilities.
   *
   * @param logProbs of the batch's targets, in the order of their positions
   */
  static DocumentLogProbs of(Batch batch, float[] logProbs) {
    double[] sums = new double[batch.documents()];
    int[] targets = new int[batch.documents()];
    int target = 0;
    for (int document = 0; document < sums.length; document++) {
      for (int i = batch.documentStarts()[document];
          i < batch.documentStarts()[document + 1];
          i++) {
        if (batch.targets()[i] != Batch.IGNORED) {
          sums[document] += logProbs[target++];
          targets[document]++;
        }
      }
    }
    return new DocumentLogProbs(sums, targets);
  }

  /** Runs the model without keeping anything; without its adapter, it is its own reference. */
  static DocumentLogProbs of(Decoder decoder, Batch batch, Passage passage) {
    return of(batch, decoder.scores(batch, passage));
  }

  /**
   * The reference's sums: those that the labels know, else those of the model's base.
   *
   * @param base how the model's base is asked
   */
  static double[] reference(Decoder decoder, Batch batch, Passage base) {
    float[] known = batch.labels().referenceLogProbs();
    if (known.length == 0) {
      return of(decoder, batch, base).sums();
    }
    double[] sums = new double[batch.documents()];
    for (int document = 0; document < sums.length; document++) {
      sums[document] = known[document];
    }
    return sums;
  }

  /**
   * The gradient by every target's log-probability.
   *
   * @param slopes {@code (D)}, by the sums
   */
  float[] spread(double[] slopes, double scale) {
    int count = 0;
    for (int ofDocument : targets) {
      count += ofDocument;
    }
    float[] gradient = new float[count];
    int target = 0;
    for (int document = 0; document < slopes.length; document++) {
      for (int i = 0; i < targets[document]; i++) {
        gradient[target++] = (float) (slopes[document] * scale);
      }
    }
    return gradient;
  }
}
