package org.sparktune.trainer.run;

import java.util.Set;
import java.util.function.Function;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.rollout.CompletionText;
import org.sparktune.trainer.rollout.Examiner;
import org.sparktune.trainer.rollout.ResponseSampler;
import org.sparktune.trainer.rollout.RewardFunction;
import org.sparktune.trainer.rollout.RolloutOptions;

/**
 * What a run needs beside its inputs when it learns from responses that it samples.
 *
 * @param decoder the policy, the very one that is trained; its base is the reference
 * @param options how responses are sampled and used
 * @param reward says how good they are
 * @param stopIds ids that end a response
 * @param text the text of ids, without special tokens
 */
public record Rollouts(
    Decoder decoder,
    RolloutOptions options,
    RewardFunction reward,
    Set<Integer> stopIds,
    Function<int[], String> text) {

  /** Asks the policy. */
  ResponseSampler sampler() {
    return new ResponseSampler(decoder, stopIds, options);
  }

  /** Asks it for its likeliest responses. */
  Examiner examiner() {
    return new Examiner(sampler(), reward, new CompletionText(text));
  }
}
