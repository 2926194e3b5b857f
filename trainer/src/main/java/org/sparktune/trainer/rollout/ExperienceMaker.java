package org.sparktune.trainer.rollout;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.model.Decoder;
import org.sparktune.trainer.model.Passage;
import org.sparktune.trainer.model.RolloutLabels;
import org.sparktune.trainer.objective.ppo.Moments;

/**
 * Works out what is to be learnt from a policy's answers.
 *
 * <p>A minibatch is put together once, and the log-probabilities of the policy are computed by the
 * same pass over the same batch as in training: before the first update every ratio is exactly 1.
 */
public final class ExperienceMaker {
  private final Decoder decoder;
  private final RolloutOptions options;
  private final double importanceCap;
  private final Optional<TargetCritic> targetCritic;

  /**
   * @param decoder the policy in training; its base is the reference
   * @param importanceCap of the weights of tokens that an older policy sampled
   * @param targetCritic where advantages are not made with the critic in training
   */
  public ExperienceMaker(
      Decoder decoder,
      RolloutOptions options,
      double importanceCap,
      Optional<TargetCritic> targetCritic) {
    this.decoder = decoder;
    this.options = options;
    this.importanceCap = importanceCap;
    this.targetCritic = targetCritic;
  }

  /**
   * Makes experience of the answers to a micro-batch of prompts.
   *
   * @param divergenceCoefficient how much the divergence from the reference counts
   */
  public Experience make(Rollout rollout, double divergenceCoefficient) {
    if (rollout.responses().isEmpty()) {
      return Experience.none(options.minibatches(), rollout.skippedPrompts());
    }
    List<Response> responses = rollout.responses();
    float[] scores = rollout.scores();
    List<ScoredResponses> minibatches = minibatches(rollout);
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
        summary(minibatches, batches, scores, divergences, rollout.skippedPrompts());
    return new Experience(
        batches, weights(rollout, minibatches), rollout.completions(), scores, summary);
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

  private List<ScoredResponses> minibatches(Rollout rollout) {
    List<ScoredResponses> minibatches = new ArrayList<>();
    int first = 0;
    for (List<Response> responses :
        RolloutMaker.minibatches(rollout.responses(), options.minibatches())) {
      float[] reference =
          rollout.opinions().isEmpty()
              ? null
              : rollout.opinions().get(minibatches.size()).reference();
      minibatches.add(scored(first, responses, reference));
      first += responses.size();
    }
    return targetCritic.map(critic -> judged(minibatches, critic)).orElse(minibatches);
  }

  private List<ScoredResponses> judged(List<ScoredResponses> minibatches, TargetCritic critic) {
    List<Batch> batches = minibatches.stream().map(ScoredResponses::batch).toList();
    List<float[]> values = critic.values(batches, Passage.PLAIN.at(options.temperature()));
    List<ScoredResponses> judged = new ArrayList<>();
    for (int i = 0; i < batches.size(); i++) {
      judged.add(minibatches.get(i).withTargets(values.get(i)));
    }
    return judged;
  }

  /**
   * @param known what the reference says, or null where it is to be asked
   */
  private ScoredResponses scored(int first, List<Response> responses, float[] known) {
    Batch batch = ResponseBatch.of(responses);
    Passage passage = Passage.PLAIN.at(options.temperature());
    float[] logProbs = decoder.scoresForGradient(batch, passage);
    float[] values =
        options.algorithm().hasCritic() ? decoder.valuesForGradient(passage) : new float[0];
    float[] reference =
        known == null ? decoder.scores(batch, Passage.BASE.at(options.temperature())) : known;
    return new ScoredResponses(
        first,
        responses,
        batch,
        ResponseBatch.axis(responses),
        logProbs,
        values,
        values,
        reference);
  }

  /** Of each minibatch that another copy of the policy sampled. */
  private List<float[]> weights(Rollout rollout, List<ScoredResponses> minibatches) {
    List<float[]> weights = new ArrayList<>();
    for (int i = 0; i < rollout.opinions().size(); i++) {
      weights.add(
          ImportanceWeights.of(
              minibatches.get(i).logProbs(), rollout.opinions().get(i).sampled(), importanceCap));
    }
    return weights;
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
