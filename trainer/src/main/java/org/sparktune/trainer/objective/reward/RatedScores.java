package org.sparktune.trainer.objective.reward;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.model.Batch;

/** The squared distance of every document's score from the one that its labels give it. */
public record RatedScores() implements ScoreLoss {
  private static final List<String> FIGURES = List.of("score", "target", "absolute_error");

  @Override
  public long weight(Batch batch) {
    return batch.documents();
  }

  /** Mean scores, given and found, and their mean distance. */
  @Override
  public List<String> figures() {
    return FIGURES;
  }

  @Override
  public double sum(Batch batch, float[] scores, double[] slopes, double[] figures) {
    float[] targets = batch.labels().scores();
    if (targets.length != scores.length) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "%d documents of a batch have %d scores.".formatted(scores.length, targets.length),
          "Prepare the dataset with kind: reward.");
    }
    double sum = 0;
    for (int document = 0; document < scores.length; document++) {
      if (!Float.isFinite(targets[document])) {
        throw new SparktuneException(
            ErrorCode.BAD_DATA,
            "A document of the dataset has the score %s.".formatted(targets[document]),
            "Prepare the dataset again; scores must be finite numbers.");
      }
      double distance = (double) scores[document] - targets[document];
      sum += distance * distance;
      slopes[document] = 2 * distance;
      figures[0] += scores[document];
      figures[1] += targets[document];
      figures[2] += Math.abs(distance);
    }
    return sum;
  }
}
