package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;

/** Lets a policy answer prompts and has the answers scored. */
public final class RolloutMaker {
  private final Decoder decoder;
  private final ResponseSampler sampler;
  private final CheckedReward reward;
  private final CompletionText text;
  private final RolloutOptions options;

  /**
   * @param decoder the policy; its base is the reference
   * @param sampler samples from it
   */
  public RolloutMaker(
      Decoder decoder,
      ResponseSampler sampler,
      RewardFunction reward,
      CompletionText text,
      RolloutOptions options) {
    this.decoder = decoder;
    this.sampler = sampler;
    this.reward = new CheckedReward(reward);
    this.text = text;
    this.options = options;
  }

  /**
   * Samples and scores.
   *
   * @param seed of the sampling
   */
  public Rollout sample(List<DatasetRow> rows, long seed) {
    Prompt.Selection prompts = Prompt.select(rows, sampler);
    if (prompts.fitting().isEmpty()) {
      return Rollout.none(prompts.skipped());
    }
    List<Response> responses = sampler.sample(prompts.fitting(), seed);
    List<Completion> completions = text.of(responses);
    return new Rollout(
        responses, completions, reward.score(completions), List.of(), prompts.skipped());
  }

  /**
   * As {@link #sample}, with what this policy and its reference say of the responses: for a learner
   * whose parameters will be others.
   */
  public Rollout sampleWithOpinions(List<DatasetRow> rows, long seed) {
    Rollout sampled = sample(rows, seed);
    List<Rollout.Opinion> opinions = new ArrayList<>();
    for (List<Response> minibatch : minibatches(sampled.responses(), options.minibatches())) {
      Batch batch = ResponseBatch.of(minibatch);
      opinions.add(
          new Rollout.Opinion(
              decoder.scores(batch, Passage.PLAIN.at(options.temperature())),
              decoder.scores(batch, Passage.BASE.at(options.temperature()))));
    }
    return new Rollout(
        sampled.responses(),
        sampled.completions(),
        sampled.scores(),
        opinions,
        sampled.skippedPrompts());
  }

  /** Cuts responses into minibatches, fewer where there are fewer responses. */
  static List<List<Response>> minibatches(List<Response> responses, int most) {
    List<List<Response>> minibatches = new ArrayList<>();
    int count = Math.min(most, responses.size());
    for (int i = 0; i < count; i++) {
      int from = i * responses.size() / count;
      int to = (i + 1) * responses.size() / count;
      minibatches.add(responses.subList(from, to));
    }
    return minibatches;
  }
}
