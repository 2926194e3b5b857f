package org.sparktune.trainer.objective.ppo;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.RolloutLabels;
import org.sparktune.trainer.model.ScoreGradients;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/**
 * Learning from responses that the policy sampled: the clipped surrogate, the divergence from the
 * reference where it is part of the loss, the critic's loss and a bonus for entropy. The loss is
 * the mean over response tokens.
 */
public final class PolicyObjective implements DecoderObjective {
  /** The mean divergence from the policy that sampled, by which passes are ended early. */
  public static final String DIVERGENCE = "approx_kl";

  private final PolicyLoss policyLoss;
  private final ValueLoss valueLoss;
  private final double valueCoefficient;
  private final double entropyCoefficient;
  private final double temperature;

  /**
   * Without a critic.
   *
   * @param policyLoss the clipped surrogate
   * @param entropyCoefficient of the bonus for entropy, 0 for none
   * @param temperature at which responses are sampled
   */
  public PolicyObjective(PolicyLoss policyLoss, double entropyCoefficient, double temperature) {
    this(policyLoss, entropyCoefficient, temperature, null, 0);
  }

  /**
   * With a critic, of a decoder that has a value head.
   *
   * @param valueLoss the critic's loss
   * @param valueCoefficient of it
   */
  public PolicyObjective(
      PolicyLoss policyLoss,
      double entropyCoefficient,
      double temperature,
      ValueLoss valueLoss,
      double valueCoefficient) {
    this.policyLoss = policyLoss;
    this.entropyCoefficient = entropyCoefficient;
    this.temperature = temperature;
    this.valueLoss = valueLoss;
    this.valueCoefficient = valueCoefficient;
  }

  @Override
  public long weight(Batch batch) {
    return batch.validTokens();
  }

  /**
   * The loss's parts, the share of tokens whose ratio was clipped, and an estimate of the
   * divergence from the policy that sampled.
   */
  @Override
  public List<String> figures() {
    return valueLoss == null
        ? List.of("policy_loss", "clip_fraction", DIVERGENCE)
        : List.of("policy_loss", "clip_fraction", DIVERGENCE, "value_loss", "value_clip_fraction");
  }

  @Override
  public LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener) {
    Passage heated = passage.at(temperature);
    float[] logProbs = decoder.scoresForGradient(batch, heated);
    float[] dLogProbs = new float[logProbs.length];
    float[] values = valueLoss == null ? new float[0] : decoder.valuesForGradient(heated);
    float[] dValues = new float[values.length];
    LossSum sum = sum(batch, logProbs, values, lossScale, dLogProbs, dValues);
    ScoreGradients gradients =
        new ScoreGradients(dLogProbs, dValues, (float) (-entropyCoefficient * lossScale));
    decoder.scoresGradient(batch, gradients, heated, listener);
    return sum;
  }

  /** Not the entropy's part of the loss, which only its gradient is computed of. */
  private LossSum sum(
      Batch batch,
      float[] logProbs,
      float[] values,
      double scale,
      float[] dLogProbs,
      float[] dValues) {
    RolloutLabels labels = batch.rollout();
    if (labels.advantages().length != logProbs.length) {
      throw new IllegalArgumentException(
          "%d advantages for %d targets".formatted(labels.advantages().length, logProbs.length));
    }
    PolicyLoss.Value policy =
        policyLoss.of(logProbs, labels.sampledLogProbs(), labels.advantages(), scale, dLogProbs);
    double loss = policy.loss() + divergence(labels, logProbs, scale, dLogProbs);
    List<Double> figures = new ArrayList<>();
    figures.add(policy.loss());
    figures.add((double) policy.clipped());
    figures.add(policy.divergence());
    if (valueLoss != null) {
      ValueLoss.Value value =
          valueLoss.of(
              values, labels.sampledValues(), labels.returns(), valueCoefficient * scale, dValues);
      loss += valueCoefficient * value.loss();
      figures.add(value.loss());
      figures.add((double) value.clipped());
    }
    return new LossSum(loss, logProbs.length, figures);
  }

  /**
   * K3 of policy and reference, times its coefficient; the gradient {@code 1 - π_ref/π} is added.
   */
  private static double divergence(
      RolloutLabels labels, float[] logProbs, double scale, float[] dLogProbs) {
    double coefficient = labels.divergenceCoefficient();
    if (coefficient == 0) {
      return 0;
    }
    double sum = 0;
    for (int t = 0; t < logProbs.length; t++) {
      double reference = labels.referenceLogProbs()[t];
      sum += KlEstimator.K3.of(logProbs[t], reference);
      double slope = -Math.expm1(reference - logProbs[t]);
      dLogProbs[t] += (float) (coefficient * slope * scale);
    }
    return coefficient * sum;
  }

  @Override
  public LossSum evaluate(Decoder decoder, Batch batch) {
    throw new UnsupportedOperationException("A policy is evaluated by what it samples");
  }
}
