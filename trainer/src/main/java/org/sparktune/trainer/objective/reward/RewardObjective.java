package org.sparktune.trainer.objective.reward;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.ScoredDecoder;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/**
 * Training of a reward model: a loss over the scores of whole documents. Where several heads score,
 * loss and figures are means over them; each learns from its own loss.
 */
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
    double[] slopes = new double[model.heads() * batch.documents()];
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
    float[] scores = new ScoredDecoder(decoder, paddingId).opinions(batch);
    return sum(batch, scores, new double[scores.length]);
  }

  private LossSum sum(Batch batch, float[] scores, double[] slopes) {
    double[] figures = new double[loss.figures().size()];
    int documents = batch.documents();
    int heads = scores.length / documents;
    double sum = 0;
    for (int head = 0; head < heads; head++) {
      float[] own = Arrays.copyOfRange(scores, head * documents, (head + 1) * documents);
      double[] ownSlopes = new double[documents];
      sum += loss.sum(batch, own, ownSlopes, figures) / heads;
      for (int document = 0; document < documents; document++) {
        slopes[head * documents + document] = ownSlopes[document] / heads;
      }
    }
    List<Double> list = new ArrayList<>(figures.length);
    for (double figure : figures) {
      list.add(figure / heads);
    }
    return new LossSum(sum, loss.weight(batch), list);
  }
}
