package org.sparktune.trainer.objective.dpo;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/**
 * Direct preference optimization. A batch's documents come in pairs, the chosen completion first;
 * only completions have targets. The reference is the same decoder without its adapter, unless the
 * documents' labels know its log-probabilities. The loss is the mean over the pairs.
 */
public final class PreferenceObjective implements DecoderObjective {
  private static final List<String> FIGURES =
      List.of("reward_chosen", "reward_rejected", "accuracy", "margin", "kl");

  private final PreferenceLoss loss;
  private final boolean usesMargins;

  /**
   * @param loss of a pair
   * @param usesMargins whether the labels' margins are given to the loss
   */
  public PreferenceObjective(PreferenceLoss loss, boolean usesMargins) {
    this.loss = loss;
    this.usesMargins = usesMargins;
  }

  /** Sums by document. */
  private record Documents(double[] logProbs, int[] targets) {}

  @Override
  public long weight(Batch batch) {
    return batch.documents() / 2;
  }

  /**
   * Implicit rewards of both completions, the share of pairs that the policy ranks as told, the
   * difference of the rewards, and the mean log-ratio of policy and reference.
   */
  @Override
  public List<String> figures() {
    return FIGURES;
  }

  @Override
  public LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener) {
    double[] reference = reference(decoder, batch);
    float[] logProbs = decoder.scoresForGradient(batch, passage);
    Documents policy = sums(batch, logProbs);
    double[] slopes = new double[batch.documents()];
    final LossSum sum = sum(batch, policy, reference, slopes);
    float[] gradient = new float[logProbs.length];
    int target = 0;
    for (int document = 0; document < slopes.length; document++) {
      for (int i = 0; i < policy.targets()[document]; i++) {
        gradient[target++] = (float) (slopes[document] * lossScale);
      }
    }
    decoder.scoresGradient(batch, gradient, passage, listener);
    return sum;
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    double[] reference = reference(decoder, batch);
    Documents policy = sums(batch, targetsOf(batch, decoder.tokenLogProbs(batch, true)));
    return sum(batch, policy, reference, new double[batch.documents()]);
  }

  /**
   * The loss and figures of a batch.
   *
   * @param slopes by document, filled with the loss's derivative by its log-probability
   */
  private LossSum sum(Batch batch, Documents policy, double[] reference, double[] slopes) {
    if (batch.documents() % 2 != 0) {
      throw new IllegalArgumentException("%d documents are no pairs".formatted(batch.documents()));
    }
    double lossSum = 0;
    double[] figures = new double[FIGURES.size()];
    for (int pair = 0; pair < batch.documents() / 2; pair++) {
      PairLogProbs logProbs = pair(batch, pair, policy, reference);
      PairLoss value = loss.of(logProbs);
      slopes[2 * pair] = value.dChosen();
      slopes[2 * pair + 1] = value.dRejected();
      lossSum += value.loss();
      boolean averaged = loss.averagesByLength();
      double chosen =
          loss.beta() * logProbs.chosenLogRatio() / (averaged ? logProbs.chosenTokens() : 1);
      double rejected =
          loss.beta() * logProbs.rejectedLogRatio() / (averaged ? logProbs.rejectedTokens() : 1);
      figures[0] += chosen;
      figures[1] += rejected;
      figures[2] += chosen > rejected ? 1 : 0;
      figures[3] += chosen - rejected;
      figures[4] += (logProbs.chosenLogRatio() + logProbs.rejectedLogRatio()) / 2;
    }
    List<Double> list = new ArrayList<>(figures.length);
    for (double figure : figures) {
      list.add(figure);
    }
    return new LossSum(lossSum, batch.documents() / 2, list);
  }

  private PairLogProbs pair(Batch batch, int pair, Documents policy, double[] reference) {
    int chosen = 2 * pair;
    int rejected = chosen + 1;
    if (policy.targets()[chosen] == 0 || policy.targets()[rejected] == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "A completion of pair %d of a batch has no tokens.".formatted(pair),
          "Prepare the preference dataset again; it rejects empty completions.");
    }
    float[] margins = batch.labels().margins();
    return new PairLogProbs(
        policy.logProbs()[chosen],
        policy.logProbs()[rejected],
        reference[chosen],
        reference[rejected],
        policy.targets()[chosen],
        policy.targets()[rejected],
        usesMargins && margins.length > 0 ? margins[pair] : 0);
  }

  /** The reference's log-probability of every document, 0 where the loss does not ask. */
  private double[] reference(Decoder decoder, Batch batch) {
    double[] sums = new double[batch.documents()];
    if (!loss.readsReference()) {
      return sums;
    }
    float[] known = batch.labels().referenceLogProbs();
    if (known.length == 0) {
      return sums(batch, targetsOf(batch, decoder.tokenLogProbs(batch, false))).logProbs();
    }
    for (int document = 0; document < sums.length; document++) {
      sums[document] = known[document];
    }
    return sums;
  }

  /** The log-probabilities at positions with a target, out of those at all positions. */
  private static float[] targetsOf(Batch batch, float[] logProbs) {
    float[] selected = new float[batch.validTokens()];
    int target = 0;
    for (int i = 0; i < logProbs.length; i++) {
      if (batch.targets()[i] != Batch.IGNORED) {
        selected[target++] = logProbs[i];
      }
    }
    return selected;
  }

  private static Documents sums(Batch batch, float[] logProbs) {
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
    return new Documents(sums, targets);
  }
}
