package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.Map;

/**
 * How a {@code ppo} task samples responses and learns from them.
 *
 * @param algorithm where advantages come from
 * @param groupSize responses to a prompt
 * @param maxNewTokens of a response
 * @param temperature of sampling
 * @param epochs passes over the responses of a step
 * @param minibatches optimizer updates of a pass
 * @param clip how far a ratio may fall below 1 before it counts no more
 * @param clipAbove how far it may rise above 1
 * @param entropyCoefficient of the bonus for entropy
 * @param missingEosPenalty taken off the score of a response that ran into the limit
 * @param critic of the algorithm ppo
 * @param kl keeping near to the reference
 * @param reward where scores come from
 * @param apart sampling beside training; null where both take turns
 */
public record PpoOptions(
    Algorithm algorithm,
    int groupSize,
    int maxNewTokens,
    double temperature,
    int epochs,
    int minibatches,
    double clip,
    double clipAbove,
    double entropyCoefficient,
    double missingEosPenalty,
    Critic critic,
    Kl kl,
    Reward reward,
    Apart apart)
    implements Serializable {

  /** Where advantages come from. */
  public enum Algorithm {
    /** A critic. */
    PPO,
    /** The other responses to the prompt, by mean and deviation. */
    GRPO,
    /** The mean of the other responses to the prompt. */
    RLOO
  }

  /**
   * PPO's critic.
   *
   * @param gamma discount
   * @param lambda of generalized advantage estimation
   * @param valueClip how far a value may move before it counts no more
   * @param valueCoefficient of the critic's loss
   * @param whiten whether advantages are whitened over a step
   * @param targetTau how far a target critic follows the one in training with an update; 0 without
   */
  public record Critic(
      double gamma,
      double lambda,
      double valueClip,
      double valueCoefficient,
      boolean whiten,
      double targetTau)
      implements Serializable {}

  /**
   * Keeping near to the reference.
   *
   * @param coefficient of the divergence, at first where the controller adapts it
   * @param estimator of the divergence in rewards
   * @param adaptive whether the coefficient follows the divergence
   * @param target divergence of a response that an adaptive controller aims at
   * @param horizon responses over which it adapts
   * @param stop passes of a step end when the policy's divergence from the one that sampled exceeds
   *     this; 0 for never
   */
  public record Kl(
      double coefficient,
      Estimator estimator,
      boolean adaptive,
      double target,
      double horizon,
      double stop)
      implements Serializable {}

  /** An estimate of the divergence from one sampled token. */
  public enum Estimator {
    /** log π - log π_ref. */
    K1,
    /** π_ref/π - 1 - log(π_ref/π). */
    K3
  }

  /** How the coefficient of the divergence is chosen. */
  enum Controller {
    FIXED,
    ADAPTIVE
  }

  /** When responses are sampled. */
  enum Mode {
    SYNC,
    ASYNC
  }

  /**
   * Where scores come from: a function or a reward model.
   *
   * @param function the built-in name or the class; empty with a model
   * @param options what the function is told
   * @param model the reward model or the student, a task that made one or its folder; null with a
   *     function
   * @param uncertaintyPenalty what is taken off a score for a standard deviation of 1 among the
   *     model's heads
   */
  public record Reward(
      String function, Map<String, String> options, Reference model, double uncertaintyPenalty)
      implements Serializable {}

  /**
   * Sampling beside training.
   *
   * @param workers copies of the policy that sample, in each process
   * @param maxStaleness how many steps the parameters that sample are behind those that learn
   * @param queueSize rollouts of micro-batches that may wait
   * @param importanceCap the largest weight of a token that an older policy sampled
   */
  public record Apart(int workers, int maxStaleness, int queueSize, double importanceCap)
      implements Serializable {}
}
