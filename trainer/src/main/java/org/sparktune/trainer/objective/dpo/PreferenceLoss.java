package org.sparktune.trainer.objective.dpo;

import org.sparktune.trainer.objective.Logistic;

/**
 * A loss over pairs of completions. Δ is the difference of the two log-ratios of policy and
 * reference; β scales it, and a pair's margin is taken off βΔ by the losses that are written with
 * it. All are finite, gradients included, for any finite log-probabilities.
 */
public sealed interface PreferenceLoss {

  /** The loss of one pair and its gradient. */
  PairLoss of(PairLogProbs pair);

  /** Whether {@link #of} reads the reference's log-probabilities. */
  default boolean readsReference() {
    return true;
  }

  /** What log-ratios are multiplied with to be shown as implicit rewards. */
  double beta();

  /** Whether log-ratios are averaged over a completion's tokens rather than summed. */
  default boolean averagesByLength() {
    return false;
  }

  /**
   * {@code -(1-ε)·logσ(βΔ) - ε·logσ(-βΔ)}: DPO (Rafailov et al. 2023); with ε &gt; 0 its
   * conservative form for labels of which a share ε is wrong (Mitchell 2023).
   *
   * @param labelSmoothing ε, in [0, 0.5)
   */
  record Sigmoid(double beta, double labelSmoothing) implements PreferenceLoss {

    /** Checks the options. */
    public Sigmoid {
      requirePositive("beta", beta);
      requireShare(labelSmoothing);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double x = pair.preference(beta);
      double loss =
          -(1 - labelSmoothing) * Logistic.logSigmoid(x) - labelSmoothing * Logistic.logSigmoid(-x);
      double slope =
          -(1 - labelSmoothing) * Logistic.sigmoid(-x) + labelSmoothing * Logistic.sigmoid(x);
      return PairLoss.ofDifference(loss, beta * slope);
    }
  }

  /**
   * {@code (-(1-ε)·logσ(βΔ) + ε·logσ(-βΔ)) / (1-2ε)}: unbiased when a share ε of the labels is
   * flipped (Chowdhury et al. 2024).
   *
   * @param labelSmoothing ε, in [0, 0.5)
   */
  record Robust(double beta, double labelSmoothing) implements PreferenceLoss {

    /** Checks the options. */
    public Robust {
      requirePositive("beta", beta);
      requireShare(labelSmoothing);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double x = pair.preference(beta);
      double scale = 1 / (1 - 2 * labelSmoothing);
      double loss =
          -(1 - labelSmoothing) * Logistic.logSigmoid(x) + labelSmoothing * Logistic.logSigmoid(-x);
      double slope =
          -(1 - labelSmoothing) * Logistic.sigmoid(-x) - labelSmoothing * Logistic.sigmoid(x);
      return PairLoss.ofDifference(loss * scale, beta * slope * scale);
    }
  }

  /** {@code max(0, 1 - βΔ)} (SLiC: Zhao et al. 2023; with a reference: Liu et al. 2024). */
  record Hinge(double beta) implements PreferenceLoss {

    /** Checks the options. */
    public Hinge {
      requirePositive("beta", beta);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double room = 1 - pair.preference(beta);
      return room > 0 ? PairLoss.ofDifference(room, -beta) : PairLoss.ofDifference(0, 0);
    }
  }

  /**
   * {@code (Δ̄ - 1/(2β))²} with log-ratios averaged over each completion's tokens (Azar et al.
   * 2023, normalized as TRL does).
   */
  record Ipo(double beta) implements PreferenceLoss {

    /** Checks the options. */
    public Ipo {
      requirePositive("beta", beta);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double difference =
          pair.chosenLogRatio() / pair.chosenTokens()
              - pair.rejectedLogRatio() / pair.rejectedTokens();
      double distance = difference - 1 / (2 * beta);
      return new PairLoss(
          distance * distance,
          2 * distance / pair.chosenTokens(),
          -2 * distance / pair.rejectedTokens());
    }

    @Override
    public boolean averagesByLength() {
      return true;
    }
  }

  /**
   * {@code KL(p_β(Δ) ‖ (1-ε, ε))}: EXO for pairs (Ji et al. 2024).
   *
   * @param labelSmoothing ε, in (0, 0.5); the paper's 1e-3 keeps it finite
   */
  record Exo(double beta, double labelSmoothing) implements PreferenceLoss {

    /** Checks the options. */
    public Exo {
      requirePositive("beta", beta);
      requireShare(labelSmoothing);
      requirePositive("label_smoothing", labelSmoothing);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double x = pair.preference(beta);
      double p = Logistic.sigmoid(x);
      double q = Logistic.sigmoid(-x);
      double surprise = Logistic.logSigmoid(x) - Math.log1p(-labelSmoothing);
      double otherSurprise = Logistic.logSigmoid(-x) - Math.log(labelSmoothing);
      // The derivatives of the logarithms cancel: p·q - q·p.
      double slope = p * q * (surprise - otherSurprise);
      return PairLoss.ofDifference(p * surprise + q * otherSurprise, beta * slope);
    }
  }

  /**
   * {@code -logσ(β·(π̄_c - π̄_r) - γ)} over log-probabilities averaged by length, without a
   * reference (SimPO: Meng et al. 2024).
   *
   * @param margin γ
   */
  record SimPo(double beta, double margin) implements PreferenceLoss {

    /** Checks the options. */
    public SimPo {
      requirePositive("beta", beta);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double average =
          pair.chosen() / pair.chosenTokens() - pair.rejected() / pair.rejectedTokens();
      double x = beta * average - margin - pair.margin();
      double slope = -beta * Logistic.sigmoid(-x);
      return new PairLoss(
          -Logistic.logSigmoid(x), slope / pair.chosenTokens(), -slope / pair.rejectedTokens());
    }

    @Override
    public boolean readsReference() {
      return false;
    }

    @Override
    public boolean averagesByLength() {
      return true;
    }
  }

  /**
   * {@code -π̄_c - β·logσ(log odds(π̄_c) - log odds(π̄_r))}: supervised fine-tuning on the chosen
   * completion and an odds ratio against the rejected one, without a reference (ORPO: Hong et al.
   * 2024); π̄ is averaged by length.
   */
  record Orpo(double beta) implements PreferenceLoss {

    /** Below this distance from 0 an average log-probability counts as certainty. */
    private static final double CERTAIN = -1e-9;

    /** Checks the options. */
    public Orpo {
      requirePositive("beta", beta);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double chosen = Math.min(pair.chosen() / pair.chosenTokens(), CERTAIN);
      double rejected = Math.min(pair.rejected() / pair.rejectedTokens(), CERTAIN);
      double x =
          chosen - rejected - Logistic.logOneMinusExp(chosen) + Logistic.logOneMinusExp(rejected);
      double slope = -beta * Logistic.sigmoid(-x);
      // d log odds / d π̄ = 1 / (1 - e^π̄)
      double dChosen = -1 - slope / Math.expm1(chosen);
      double dRejected = slope / Math.expm1(rejected);
      return new PairLoss(
          -chosen - beta * Logistic.logSigmoid(x),
          dChosen / pair.chosenTokens(),
          dRejected / pair.rejectedTokens());
    }

    @Override
    public boolean readsReference() {
      return false;
    }

    @Override
    public boolean averagesByLength() {
      return true;
    }
  }

  /**
   * Another loss and {@code -weight · π̄_c}, the mean negative log-probability of the chosen
   * completion, which keeps it likely (Pang et al. 2024).
   *
   * @param loss the loss over pairs
   * @param weight of the supervised term
   */
  record WithSupervision(PreferenceLoss loss, double weight) implements PreferenceLoss {

    /** Checks the options. */
    public WithSupervision {
      requirePositive("sft_weight", weight);
    }

    @Override
    public PairLoss of(PairLogProbs pair) {
      double mean = weight / pair.chosenTokens();
      return loss.of(pair).plus(new PairLoss(-mean * pair.chosen(), -mean, 0));
    }

    @Override
    public boolean readsReference() {
      return loss.readsReference();
    }

    @Override
    public double beta() {
      return loss.beta();
    }

    @Override
    public boolean averagesByLength() {
      return loss.averagesByLength();
    }
  }

  private static void requirePositive(String name, double value) {
    if (!(value > 0) || Double.isInfinite(value)) {
      throw new IllegalArgumentException(name + " must be positive, not " + value);
    }
  }

  private static void requireShare(double labelSmoothing) {
    if (!(labelSmoothing >= 0 && labelSmoothing < 0.5)) {
      throw new IllegalArgumentException(
          "label_smoothing must be in [0, 0.5), not " + labelSmoothing);
    }
  }
}
