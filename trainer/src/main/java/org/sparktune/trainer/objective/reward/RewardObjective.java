package org.sparktune.trainer.objective.reward;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.ScoredDecoder;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/** Training of a reward model: a loss over the scores of whole documents. */
public final class RewardObjective implements DecoderObjective {
  private final ScoreLoss loss;
  private final OptionalInt paddingId;

  /**
   * @param loss over scores
   * @param paddingId see {@link ScoredDecoder}
   */
  public RewardObjective(ScoreLoss loss, OptionalInt paddingId) {
    this.loss = loss;
    this.paddingId = paddingId;
  }

  @Override
  public long weight(Batch batch) {
    return loss.weight(batch);
  }

  @Override
  public List<String> figures() {
    return loss.figures();
  }

  @Override
  public LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener) {
    ScoredDecoder model = new ScoredDecoder(decoder, paddingId);
    double[] slopes = new double[batch.documents()];
    final LossSum sum = sum(batch, model.scoresForGradient(batch, passage), slopes);
    float[] gradient = new float[slopes.length];
    for (int document = 0; document < gradient.length; document++) {
      gradient[document] = (float) (slopes[document] * lossScale);
    }
    model.gradient(batch, gradient, passage, listener);
    return sum;
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    float[] scores = new ScoredDecoder(decoder, paddingId).scores(batch);
    return sum(batch, scores, new double[scores.length]);
  }

  private LossSum sum(Batch batch, float[] scores, double[] slopes) {
    double[] figures = new double[loss.figures().size()];
    double sum = loss.sum(batch, scores, slopes, figures);
    List<Double> list = new ArrayList<>(figures.length);
    for (double figure : figures) {
      list.add(figure);
    }
    return new LossSum(sum, loss.weight(batch), list);
  }
}
