package org.sparktune.trainer.rollout;

import java.util.List;
import org.sparktune.trainer.dataset.DatasetRow;

/** Lets a policy give its likeliest response to each of some prompts, and scores it. */
public final class Examiner {
  private final ResponseSampler sampler;
  private final CheckedReward reward;
  private final CompletionText text;

  /**
   * @param sampler asks the policy
   */
  public Examiner(ResponseSampler sampler, RewardFunction reward, CompletionText text) {
    this.sampler = sampler;
    this.reward = new CheckedReward(reward);
    this.text = text;
  }

  /**
   * What came out, for the prompts that left room for a response.
   *
   * @param completions the responses
   * @param scores of them
   */
  public record Result(List<Completion> completions, float[] scores) {}

  /** Asks for a response to each prompt of some rows. */
  public Result examine(List<DatasetRow> rows) {
    Prompt.Selection prompts = Prompt.select(rows, sampler);
    if (prompts.fitting().isEmpty()) {
      return new Result(List.of(), new float[0]);
    }
    List<Completion> completions = text.of(sampler.likeliest(prompts.fitting()));
    return new Result(completions, reward.score(completions));
  }
}
