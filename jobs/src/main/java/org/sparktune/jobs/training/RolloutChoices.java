package org.sparktune.jobs.training;

import org.sparktune.pipeline.spec.PpoOptions;
import org.sparktune.trainer.model.DecoderObjective;
import org.sparktune.trainer.objective.ppo.GeneralizedAdvantage;
import org.sparktune.trainer.objective.ppo.KlController;
import org.sparktune.trainer.objective.ppo.KlEstimator;
import org.sparktune.trainer.objective.ppo.PolicyLoss;
import org.sparktune.trainer.objective.ppo.PolicyObjective;
import org.sparktune.trainer.objective.ppo.ValueLoss;
import org.sparktune.trainer.rollout.RolloutOptions;

/** The {@code ppo} options of a specification as the trainer takes them. */
final class RolloutChoices {
  private RolloutChoices() {}

  static DecoderObjective objective(PpoOptions options) {
    PolicyLoss loss = new PolicyLoss(options.clip(), options.clipAbove());
    return switch (options.algorithm()) {
      case PPO ->
          new PolicyObjective(
              loss,
              options.entropyCoefficient(),
              options.temperature(),
              new ValueLoss(options.critic().valueClip()),
              options.critic().valueCoefficient());
      case GRPO, RLOO ->
          new PolicyObjective(loss, options.entropyCoefficient(), options.temperature());
    };
  }

  static RolloutOptions rollouts(PpoOptions options) {
    PpoOptions.Critic critic = options.critic();
    return new RolloutOptions(
        algorithm(options.algorithm()),
        options.groupSize(),
        options.maxNewTokens(),
        options.temperature(),
        options.epochs(),
        options.minibatches(),
        new PolicyLoss(options.clip(), options.clipAbove()),
        options.entropyCoefficient(),
        divergence(options.kl()),
        options.missingEosPenalty(),
        new RolloutOptions.Critic(
            new GeneralizedAdvantage(critic.gamma(), critic.lambda()),
            new ValueLoss(critic.valueClip()),
            critic.valueCoefficient(),
            critic.whiten(),
            critic.targetTau()));
  }

  private static RolloutOptions.Algorithm algorithm(PpoOptions.Algorithm algorithm) {
    return switch (algorithm) {
      case PPO -> RolloutOptions.Algorithm.PPO;
      case GRPO -> RolloutOptions.Algorithm.GRPO;
      case RLOO -> RolloutOptions.Algorithm.RLOO;
    };
  }

  private static RolloutOptions.Divergence divergence(PpoOptions.Kl kl) {
    KlEstimator estimator =
        switch (kl.estimator()) {
          case K1 -> KlEstimator.K1;
          case K3 -> KlEstimator.K3;
        };
    KlController controller =
        kl.adaptive()
            ? new KlController.Adaptive(kl.coefficient(), kl.target(), kl.horizon())
            : new KlController.Fixed(kl.coefficient());
    return new RolloutOptions.Divergence(
        estimator, controller, kl.stop() == 0 ? Double.POSITIVE_INFINITY : kl.stop());
  }
}
