package org.sparktune.trainer.objective.dpo;

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
 * KTO: documents that are each judged good or bad by their score. The reference is the same decoder
 * without its adapter, unless the documents' labels know its log-probabilities. The reference point
 * is estimated from the batch's {@link MismatchedBatch}, so from one micro-batch, as TRL does it; a
 * batch of one document has nothing to mismatch, and its point is 0. The loss is the mean over
 * documents.
 */
public final class JudgedObjective implements DecoderObjective {
  private static final List<String> FIGURES =
      List.of("accuracy", "desirable", "kl", "signed_reward");

  private final JudgedLoss loss;
  private final double desirableAbove;
  private final int maxTokens;

  /**
   * @param loss of a document
   * @param desirableAbove a document with a higher score is a good one, any other a bad one
   * @param maxTokens the longest document, also of mismatched ones
   */
  public JudgedObjective(JudgedLoss loss, double desirableAbove, int maxTokens) {
    this.loss = loss;
    this.desirableAbove = desirableAbove;
    this.maxTokens = maxTokens;
  }

  @Override
  public long weight(Batch batch) {
    return batch.documents();
  }

  /**
   * The share of documents whose log-ratio lies on their side of the reference point, the share of
   * good ones, the reference point, and the mean of β times the log-ratio, negated for bad ones.
   */
  @Override
  public List<String> figures() {
    return FIGURES;
  }

  @Override
  public LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener) {
    require(batch);
    final double referencePoint = referencePoint(decoder, batch);
    final double[] reference = DocumentLogProbs.reference(decoder, batch, Passage.BASE);
    DocumentLogProbs policy = DocumentLogProbs.of(batch, decoder.scoresForGradient(batch, passage));
    double[] slopes = new double[batch.documents()];
    final LossSum sum = sum(batch, policy, reference, referencePoint, slopes);
    decoder.scoresGradient(batch, policy.spread(slopes, lossScale), passage, listener);
    return sum;
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    require(batch);
    double referencePoint = referencePoint(decoder, batch);
    double[] reference = DocumentLogProbs.reference(decoder, batch, Passage.BASE);
    DocumentLogProbs policy = DocumentLogProbs.of(decoder, batch, Passage.PLAIN);
    return sum(batch, policy, reference, referencePoint, new double[batch.documents()]);
  }

  private double referencePoint(Decoder decoder, Batch batch) {
    if (batch.documents() < 2) {
      return 0;
    }
    Batch mismatched = MismatchedBatch.of(batch, maxTokens);
    double[] policy = DocumentLogProbs.of(decoder, mismatched, Passage.PLAIN).sums();
    double[] reference = DocumentLogProbs.of(decoder, mismatched, Passage.BASE).sums();
    double[] logRatios = new double[policy.length];
    for (int document = 0; document < policy.length; document++) {
      logRatios[document] = policy[document] - reference[document];
    }
    return JudgedLoss.referencePoint(logRatios);
  }

  /**
   * The loss and figures of a batch.
   *
   * @param slopes by document, filled with the loss's derivative by its log-probability
   */
  private LossSum sum(
      Batch batch,
      DocumentLogProbs policy,
      double[] reference,
      double referencePoint,
      double[] slopes) {
    double sum = 0;
    double right = 0;
    double good = 0;
    double rewards = 0;
    for (int document = 0; document < slopes.length; document++) {
      boolean desirable = batch.labels().scores()[document] > desirableAbove;
      double logRatio = policy.sums()[document] - reference[document];
      JudgedLoss.Value value = loss.of(logRatio, desirable, referencePoint);
      slopes[document] = value.dLogProb();
      sum += value.loss();
      boolean above = logRatio > referencePoint;
      boolean below = logRatio < referencePoint;
      right += (desirable ? above : below) ? 1 : 0;
      good += desirable ? 1 : 0;
      rewards += (desirable ? 1 : -1) * loss.beta() * logRatio;
    }
    int documents = batch.documents();
    return new LossSum(sum, documents, List.of(right, good, referencePoint * documents, rewards));
  }

  private static void require(Batch batch) {
    if (batch.labels().scores().length != batch.documents()) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "%d documents of a batch have %d labels."
              .formatted(batch.documents(), batch.labels().scores().length),
          "Prepare the dataset with kind: reward, of records with a prompt, a completion and a label.");
    }
    for (int document = 0; document < batch.documents(); document++) {
      boolean teaches = false;
      for (int i = batch.documentStarts()[document];
          i < batch.documentStarts()[document + 1];
          i++) {
        teaches |= batch.targets()[i] != Batch.IGNORED;
      }
      if (!teaches) {
        throw new SparktuneException(
            ErrorCode.BAD_DATA,
            "The completion of document %d of a batch has no tokens.".formatted(document),
            "Prepare the dataset again; it rejects empty completions.");
      }
    }
  }
}
