package org.sparktune.trainer.objective.reward;

import java.util.List;
import org.sparktune.trainer.model.Batch;

/**
 * {@link PairScoreLoss} over documents that come in pairs, the chosen one first; a mean over pairs.
 *
 * @param loss of a pair
 * @param usesMargins whether the labels' margins are given to the loss
 */
public record PreferredScores(PairScoreLoss loss, boolean usesMargins) implements ScoreLoss {
  private static final List<String> FIGURES =
      List.of("reward_chosen", "reward_rejected", "accuracy", "margin", "score");

  @Override
  public long weight(Batch batch) {
    return batch.documents() / 2;
  }

  /**
   * Mean scores of both, the share of pairs whose chosen document scores higher, the difference,
   * and the mean of all scores, which centring draws to 0.
   */
  @Override
  public List<String> figures() {
    return FIGURES;
  }

  @Override
  public double sum(Batch batch, float[] scores, double[] slopes, double[] figures) {
    if (scores.length % 2 != 0) {
      throw new IllegalArgumentException("%d documents are no pairs".formatted(scores.length));
    }
    float[] margins = batch.labels().margins();
    double sum = 0;
    for (int pair = 0; pair < scores.length / 2; pair++) {
      double chosen = scores[2 * pair];
      double rejected = scores[2 * pair + 1];
      double margin = usesMargins && margins.length > 0 ? margins[pair] : 0;
      PairScoreLoss.Value value = loss.of(chosen, rejected, margin);
      slopes[2 * pair] = value.dChosen();
      slopes[2 * pair + 1] = value.dRejected();
      sum += value.loss();
      figures[0] += chosen;
      figures[1] += rejected;
      figures[2] += chosen > rejected ? 1 : 0;
      figures[3] += chosen - rejected;
      figures[4] += (chosen + rejected) / 2;
    }
    return sum;
  }
}
