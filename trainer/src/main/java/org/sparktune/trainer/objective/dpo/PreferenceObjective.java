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
    Passage shared = passage.sharingPrompts();
    DocumentLogProbs policy = DocumentLogProbs.of(batch, decoder.scoresForGradient(batch, shared));
    double[] slopes = new double[batch.documents()];
    final LossSum sum = sum(batch, policy, reference, slopes);
    decoder.scoresGradient(batch, policy.spread(slopes, lossScale), shared, listener);
    return sum;
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    double[] reference = reference(decoder, batch);
    DocumentLogProbs policy = DocumentLogProbs.of(decoder, batch, Passage.PLAIN.sharingPrompts());
    return sum(batch, policy, reference, new double[batch.documents()]);
  }

  /**
   * The loss and figures of a batch.
   *
   * @param slopes by document, filled with the loss's derivative by its log-probability
   */
  private LossSum sum(Batch batch, DocumentLogProbs policy, double[] reference, double[] slopes) {
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

  private PairLogProbs pair(Batch batch, int pair, DocumentLogProbs policy, double[] reference) {
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
        policy.sums()[chosen],
        policy.sums()[rejected],
        reference[chosen],
        reference[rejected],
        policy.targets()[chosen],
        policy.targets()[rejected],
        usesMargins && margins.length > 0 ? margins[pair] : 0);
  }

  /** The reference's log-probability of every document, 0 where the loss does not ask. */
  private double[] reference(Decoder decoder, Batch batch) {
    if (!loss.readsReference()) {
      return new double[batch.documents()];
    }
    return DocumentLogProbs.reference(decoder, batch, Passage.BASE.sharingPrompts());
  }
}
