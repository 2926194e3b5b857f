package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.RolloutLabels;
import org.sparktune.trainer.objective.ppo.Moments;

/**
 * Lets the policy answer prompts and works out what is to be learnt from the answers.
 *
 * <p>A minibatch is put together once, and the log-probabilities of the policy that sampled it are
 * computed by the same pass over the same batch as in training: before the first update every ratio
 * is exactly 1.
 */
public final class ExperienceMaker {
  private final Decoder decoder;
  private final ResponseSampler sampler;
  private final CheckedReward reward;
  private final CompletionText text;
  private final RolloutOptions options;

  /**
   * @param decoder the policy; its base is the reference
   * @param sampler samples from it
   */
  public ExperienceMaker(
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
   * Makes experience of a micro-batch of prompts.
   *
   * @param seed of the sampling
   * @param divergenceCoefficient how much the divergence from the reference counts
   */
  public Experience make(List<DatasetRow> rows, long seed, double divergenceCoefficient) {
    Prompt.Selection prompts = Prompt.select(rows, sampler);
    if (prompts.fitting().isEmpty()) {
      return Experience.none(options.minibatches(), prompts.skipped());
    }
    List<Response> responses = sampler.sample(prompts.fitting(), seed);
    List<Completion> completions = text.of(responses);
    float[] scores = reward.score(completions);
    List<ScoredResponses> minibatches = minibatches(responses);
    double[] divergences = new double[scores.length];
    for (ScoredResponses minibatch : minibatches) {
      minibatch.divergences(options.divergence().estimator(), divergences);
    }
    Advantages advantages =
        new Advantages(options, rewards(responses, scores), divergences, divergenceCoefficient);
    List<Batch> batches = new ArrayList<>();
    for (ScoredResponses minibatch : minibatches) {
      batches.add(minibatch.batch().with(advantages.labels(minibatch)));
    }
    while (batches.size() < options.minibatches()) {
      batches.add(ResponseBatch.EMPTY);
    }
    Experience.Summary summary =
        summary(minibatches, batches, scores, divergences, prompts.skipped());
    return new Experience(batches, completions, scores, summary);
  }

  /** The scores, less the penalty for responses without an end. */
  private float[] rewards(List<Response> responses, float[] scores) {
    float[] rewards = scores.clone();
    for (int i = 0; i < rewards.length; i++) {
      if (!responses.get(i).finished()) {
        rewards[i] -= (float) options.missingEndPenalty();
      }
    }
    return rewards;
  }

  private List<ScoredResponses> minibatches(List<Response> responses) {
    List<ScoredResponses> minibatches = new ArrayList<>();
    int count = Math.min(options.minibatches(), responses.size());
    for (int i = 0; i < count; i++) {
      int from = i * responses.size() / count;
      int to = (i + 1) * responses.size() / count;
      minibatches.add(scored(from, responses.subList(from, to)));
    }
    return minibatches;
  }

  private ScoredResponses scored(int first, List<Response> responses) {
    Batch batch = ResponseBatch.of(responses);
    Passage passage = Passage.PLAIN.at(options.temperature());
    float[] logProbs = decoder.scoresForGradient(batch, passage);
    float[] values =
        options.algorithm().hasCritic() ? decoder.valuesForGradient(passage) : new float[0];
    float[] reference = decoder.scores(batch, Passage.BASE.at(options.temperature()));
    return new ScoredResponses(
        first, responses, batch, ResponseBatch.axis(responses), logProbs, values, reference);
  }

  private Experience.Summary summary(
      List<ScoredResponses> minibatches,
      List<Batch> batches,
      float[] scores,
      double[] divergences,
      long skipped) {
    Moments advantages = Moments.NONE;
    double divergence = 0;
    double surprise = 0;
    long tokens = 0;
    long allTokens = 0;
    long finished = 0;
    for (int i = 0; i < minibatches.size(); i++) {
      RolloutLabels labels = batches.get(i).rollout();
      advantages = advantages.join(Moments.of(labels.advantages()));
      surprise += minibatches.get(i).surprise();
      tokens += labels.advantages().length;
      allTokens += batches.get(i).tokens().length;
      for (Response response : minibatches.get(i).responses()) {
        finished += response.finished() ? 1 : 0;
      }
    }
    for (double value : divergences) {
      divergence += value;
    }
    return new Experience.Summary(
        Moments.of(scores),
        advantages,
        divergence,
        surprise,
        tokens,
        allTokens,
        finished,
        scores.length / options.groupSize(),
        flatGroups(scores),
        skipped);
  }

  /** Groups whose scores are all the same: nothing can be learnt from them by comparison. */
  private long flatGroups(float[] scores) {
    long flat = 0;
    for (int first = 0; first < scores.length; first += options.groupSize()) {
      boolean same = true;
      for (int i = first + 1; i < first + options.groupSize(); i++) {
        same &= scores[i] == scores[first];
      }
      flat += same ? 1 : 0;
    }
    return flat;
  }
}
