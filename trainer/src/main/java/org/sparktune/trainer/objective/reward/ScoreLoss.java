package org.sparktune.trainer.objective.reward;

import java.util.List;
import org.sparktune.trainer.model.Batch;

/** A loss over the scores of a batch's documents. */
public interface ScoreLoss {

  /** Over how many things of a batch the loss is averaged. */
  long weight(Batch batch);

  /** The names of the figures beside the loss. */
  List<String> figures();

  /**
   * The summed loss.
   *
   * @param scores {@code (D)}
   * @param slopes {@code (D)}, filled with the loss's derivatives by them
   * @param figures filled with the summed figures
   */
  double sum(Batch batch, float[] scores, double[] slopes, double[] figures);
}
