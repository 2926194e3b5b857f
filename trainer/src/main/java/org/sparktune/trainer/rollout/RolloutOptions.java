package org.sparktune.trainer.rollout;

import org.sparktune.trainer.objective.ppo.GeneralizedAdvantage;
import org.sparktune.trainer.objective.ppo.KlController;
import org.sparktune.trainer.objective.ppo.KlEstimator;
import org.sparktune.trainer.objective.ppo.PolicyLoss;
import org.sparktune.trainer.objective.ppo.ValueLoss;
import org.sparktune.trainer.optim.Problems;

/**
 * How responses are sampled and how much is learnt from them.
 *
 * @param algorithm where advantages come from
 * @param groupSize responses to a prompt
 * @param maxNewTokens of a response
 * @param temperature of sampling, and of the log-probabilities that are trained
 * @param epochs passes over the responses of a step
 * @param minibatches optimizer updates of a pass
 * @param policyLoss the clipped surrogate
 * @param entropyCoefficient of the bonus for entropy, 0 for none
 * @param divergence how far from the reference the policy may go
 * @param missingEndPenalty taken off the score of a response that ran into the limit
 * @param critic of PPO; ignored by algorithms without one
 */
public record RolloutOptions(
    Algorithm algorithm,
    int groupSize,
    int maxNewTokens,
    double temperature,
    int epochs,
    int minibatches,
    PolicyLoss policyLoss,
    double entropyCoefficient,
    Divergence divergence,
    double missingEndPenalty,
    Critic critic) {

  /** Where advantages come from. */
  public enum Algorithm {
    /** A critic. */
    PPO,
    /** The other responses to the prompt, by mean and standard deviation; KL in the loss. */
    GRPO,
    /** The mean of the other responses to the prompt; KL in the score. */
    RLOO;

    /** Whether a critic is trained. */
    public boolean hasCritic() {
      return this == PPO;
    }
  }

  /**
   * Keeping near to the reference.
   *
   * @param estimator of the divergence where it is in the rewards; in the loss it is K3
   * @param controller of its coefficient
   * @param stop passes end when the policy's divergence from the one that sampled, averaged over
   *     tokens, exceeds this; infinite for never
   */
  public record Divergence(KlEstimator estimator, KlController controller, double stop) {}

  /**
   * PPO's critic.
   *
   * @param advantage γ and λ
   * @param loss the clipped loss
   * @param coefficient of it
   * @param whiten whether advantages get mean 0 and variance 1 over the whole step
   * @param targetRate τ of the {@link TargetCritic} that advantages and returns are made with; 0
   *     where they are made with the critic in training
   */
  public record Critic(
      GeneralizedAdvantage advantage,
      ValueLoss loss,
      double coefficient,
      boolean whiten,
      double targetRate) {
    /** The published defaults. */
    public static final Critic DEFAULTS =
        new Critic(new GeneralizedAdvantage(1, 0.95), new ValueLoss(0.2), 0.1, true);

    /** Checks the rate. */
    public Critic {
      if (!(targetRate >= 0 && targetRate <= 1)) {
        throw new IllegalArgumentException(
            "The target critic's rate must be in [0, 1], not " + targetRate);
      }
    }

    /** Without a target critic. */
    public Critic(
        GeneralizedAdvantage advantage, ValueLoss loss, double coefficient, boolean whiten) {
      this(advantage, loss, coefficient, whiten, 0);
    }

    /** The same with a target critic. */
    public Critic withTarget(double rate) {
      return new Critic(advantage, loss, coefficient, whiten, rate);
    }
  }

  /** Whether advantages and returns are made with a {@link TargetCritic}. */
  public boolean hasTargetCritic() {
    return algorithm.hasCritic() && critic.targetRate() > 0;
  }

  /** Checks the numbers. */
  public RolloutOptions {
    Problems problems = new Problems();
    problems.require(
        groupSize >= (algorithm.hasCritic() ? 1 : 2),
        "group_size must be at least 2 where responses are compared, not %d".formatted(groupSize));
    problems.require(maxNewTokens >= 1, "max_new_tokens must be at least 1, not " + maxNewTokens);
    problems.require(temperature > 0, "temperature must be above 0, not " + temperature);
    problems.require(epochs >= 1, "epochs must be at least 1, not " + epochs);
    problems.require(minibatches >= 1, "minibatches must be at least 1, not " + minibatches);
    problems.require(
        entropyCoefficient >= 0,
        "entropy_coefficient must not be negative, it is " + entropyCoefficient);
    problems.throwIfAny();
  }
}
