package org.sparktune.jobs.training;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.ToDoubleFunction;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.Tokenizer;
import org.sparktune.trainer.dl4j.student.Student;
import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.model.BatchSize;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.RewardFunction;

/**
 * A reward model's or a student's score of prompt and response together, in the policy's own
 * tokens. Responses are scored one by one, so that a score does not depend on what else is scored.
 */
final class LearnedReward implements RewardFunction, AutoCloseable {
  private final Path path;
  private final String tokenizerFingerprint;
  private final ToDoubleFunction<int[]> scorer;
  private final Runnable closing;

  private LearnedReward(
      Path path, String tokenizerFingerprint, ToDoubleFunction<int[]> scorer, Runnable closing) {
    this.path = path;
    this.tokenizerFingerprint = tokenizerFingerprint;
    this.scorer = scorer;
    this.closing = closing;
  }

  /**
   * Loads what scores.
   *
   * @param path a student's folder, the PEFT folder of a reward model, or a whole one
   * @param responseTokens of the longest response, for the estimate of memory
   * @param penalty what is taken off a score for a standard deviation of 1 among a model's heads
   * @throws SparktuneException as {@link LoadedRewardModel#open} and {@link Student#load}
   */
  static LearnedReward open(
      Path path, Engines.PrecisionChoice precision, int responseTokens, double penalty) {
    if (Student.isIn(path)) {
      requireNoPenalty(path, penalty);
      Student student = Student.load(path);
      return new LearnedReward(
          path, student.manifest().tokenizerFingerprint(), student.scorer()::score, () -> {});
    }
    LoadedRewardModel model =
        LoadedRewardModel.open(path, precision, new BatchSize(1, responseTokens));
    if (model.heads() == 1 && penalty > 0) {
      model.close();
      requireNoPenalty(path, penalty);
    }
    return new LearnedReward(
        path, model.tokenizer().fingerprint(), ids -> model.score(ids, penalty), model::close);
  }

  private static void requireNoPenalty(Path path, double penalty) {
    if (penalty > 0) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "uncertainty_penalty is %s, but the reward model %s has one head and no uncertainty."
              .formatted(penalty, path),
          "Train it with reward: {ensemble: 4}, or remove uncertainty_penalty.");
    }
  }

  /**
   * Refuses a policy that writes other tokens than are read here.
   *
   * @throws SparktuneException {@code MISMATCH}
   */
  void requireTokenizer(Tokenizer policy) {
    if (!policy.fingerprint().equals(tokenizerFingerprint)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The reward model %s reads other tokens than the policy writes.".formatted(path),
          "Train the reward model on a base with the policy's tokenizer.");
    }
  }

  @Override
  public double[] score(List<Completion> completions) {
    double[] scores = new double[completions.size()];
    for (int i = 0; i < scores.length; i++) {
      scores[i] = scorer.applyAsDouble(document(completions.get(i)));
    }
    return scores;
  }

  private static int[] document(Completion completion) {
    int[] prompt = completion.promptIds();
    int[] response = completion.responseIds();
    int[] ids = Arrays.copyOf(prompt, prompt.length + response.length);
    System.arraycopy(response, 0, ids, prompt.length, response.length);
    return ids;
  }

  @Override
  public void close() {
    closing.run();
  }
}
