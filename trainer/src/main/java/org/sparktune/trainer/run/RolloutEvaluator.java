package org.sparktune.trainer.run;

import java.util.Arrays;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.rollout.Completion;
import org.sparktune.trainer.rollout.Examiner;

/**
 * The score of a policy's likeliest responses to the prompts of a validation split. Its loss is the
 * negative score, so that the best evaluation is the one with the highest. Ranks share the
 * micro-batches; sums are exact, so means have the same bits at any number of ranks.
 */
final class RolloutEvaluator implements Evaluation {
  private final Examiner examiner;
  private final DatasetReader validation;
  private final int batchSize;
  private final Collective collective;

  RolloutEvaluator(
      Examiner examiner, DatasetReader validation, int batchSize, Collective collective) {
    this.examiner = examiner;
    this.validation = validation;
    this.batchSize = batchSize;
    this.collective = collective;
  }

  @Override
  public EvaluationMetrics evaluate(long step) {
    long microBatches = (validation.rows() + batchSize - 1) / batchSize;
    long from = microBatches * collective.rank() / collective.ranks();
    long to = microBatches * (collective.rank() + 1) / collective.ranks();
    ExactSum scores = new ExactSum();
    long responses = 0;
    long tokens = 0;
    long finished = 0;
    validation.seek(Cursor.START);
    validation.skip(from * batchSize);
    for (long i = from; i < to; i++) {
      Examiner.Result result = examiner.examine(MicroBatch.read(validation, batchSize).rows());
      for (float score : result.scores()) {
        scores.add(score);
      }
      for (Completion completion : result.completions()) {
        responses++;
        tokens += completion.responseIds().length;
        finished += completion.finished() ? 1 : 0;
      }
    }
    long[] numbers = Arrays.copyOf(new long[] {responses, tokens, finished}, 3 + ExactSum.LENGTH);
    scores.writeTo(numbers, 3);
    collective.sum(numbers);
    scores.readFrom(numbers, 3);
    double all = numbers[0];
    if (all == 0) {
      new Agreement(collective).settle();
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "No prompt of the validation split leaves room for a response.",
          "Prepare the prompts with a smaller sequence_length.");
    }
    SortedMap<String, Double> figures = new TreeMap<>();
    figures.put("score", scores.value() / all);
    figures.put("response_length", numbers[1] / all);
    figures.put("finished", numbers[2] / all);
    return new EvaluationMetrics(step, -scores.value() / all, numbers[0], figures);
  }
}
