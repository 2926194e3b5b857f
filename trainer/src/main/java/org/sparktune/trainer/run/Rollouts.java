package org.sparktune.trainer.run;

import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.optim.Problems;
import org.sparktune.trainer.rollout.CompletionText;
import org.sparktune.trainer.rollout.Examiner;
import org.sparktune.trainer.rollout.ResponseSampler;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RolloutMaker;
import org.sparktune.trainer.rollout.RolloutOptions;
import org.sparktune.trainer.rollout.TargetCritic;

/**
 * What a run needs beside its inputs when it learns from responses that it samples.
 *
 * @param decoder the policy, the very one that is trained; its base is the reference
 * @param options how responses are sampled and used
 * @param reward says how good they are
 * @param stopIds ids that end a response
 * @param text the text of ids, without special tokens
 * @param apart those who sample, where they are not the policy itself
 */
public record Rollouts(
    Decoder decoder,
    RolloutOptions options,
    RewardFunction reward,
    Set<Integer> stopIds,
    Function<int[], String> text,
    Optional<Apart> apart) {

  /**
   * Sampling apart from training.
   *
   * @param workers copies of the policy, with layouts as its own, each with an engine of its own
   * @param staleness how many steps the parameters that sample are behind those that learn
   * @param queue rollouts of micro-batches that may wait to be learnt from
   * @param importanceCap the largest weight of a token that an older policy sampled
   */
  public record Apart(List<Decoder> workers, int staleness, int queue, double importanceCap) {
    /** Checks the numbers. */
    public Apart {
      workers = List.copyOf(workers);
      Problems problems = new Problems();
      problems.require(!workers.isEmpty(), "workers must be at least 1");
      problems.require(staleness >= 1, "staleness must be at least 1, not " + staleness);
      problems.require(queue >= 1, "queue must be at least 1, not " + queue);
      problems.require(
          importanceCap >= 1, "importance_cap must be at least 1, not " + importanceCap);
      problems.throwIfAny();
    }
  }

  /** The policy samples itself. */
  public Rollouts(
      Decoder decoder,
      RolloutOptions options,
      RewardFunction reward,
      Set<Integer> stopIds,
      Function<int[], String> text) {
    this(decoder, options, reward, stopIds, text, Optional.empty());
  }

  /** How many steps have to be read ahead. */
  int depth() {
    return apart.map(Apart::staleness).orElse(1);
  }

  /** Those who sample. */
  RolloutSource source(long seed, StepReader reader) {
    return apart.isPresent()
        ? new RolloutWorkers(this, apart.get(), seed, reader)
        : new OwnRollouts(this, seed);
  }

  /** What follows the critic in training, where the options ask for it. */
  Optional<TargetCritic> targetCritic() {
    return options.hasTargetCritic()
        ? Optional.of(new TargetCritic(decoder, options.critic().targetRate()))
        : Optional.empty();
  }

  /** Asks a copy of the policy. */
  RolloutMaker maker(Decoder copy) {
    return new RolloutMaker(
        copy,
        new ResponseSampler(copy, stopIds, options),
        reward,
        new CompletionText(text),
        options);
  }

  /** Asks the policy for its likeliest responses. */
  Examiner examiner() {
    return new Examiner(
        new ResponseSampler(decoder, stopIds, options), reward, new CompletionText(text));
  }
}
