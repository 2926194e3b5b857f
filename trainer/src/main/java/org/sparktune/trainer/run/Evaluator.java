package org.sparktune.trainer.run;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.ExactSum;
import org.sparktune.trainer.optim.Trainable;

/**
 * The mean loss over all loss-carrying tokens of a validation split. Ranks share the micro-batches;
 * their losses are added exactly, so the mean has the same bits at any number of ranks.
 */
final class Evaluator {
  private final Trainable<Batch> trainable;
  private final DatasetReader validation;
  private final int batchSize;
  private final Collective collective;

  Evaluator(
      Trainable<Batch> trainable, DatasetReader validation, int batchSize, Collective collective) {
    this.trainable = trainable;
    this.validation = validation;
    this.batchSize = batchSize;
    this.collective = collective;
  }

  EvaluationMetrics evaluate(long step) {
    long microBatches = (validation.rows() + batchSize - 1) / batchSize;
    long from = microBatches * collective.rank() / collective.ranks();
    long to = microBatches * (collective.rank() + 1) / collective.ranks();
    ExactSum losses = new ExactSum();
    long tokens = 0;
    String problem = "";
    validation.seek(Cursor.START);
    validation.skip(from * batchSize);
    for (long i = from; i < to && problem.isEmpty(); i++) {
      MicroBatch microBatch = MicroBatch.read(validation, batchSize);
      Trainable.LossSum loss = trainable.evaluate(microBatch.batch());
      losses.add(loss.sum());
      tokens += loss.tokens();
      if (!Double.isFinite(loss.sum())) {
        problem = loss.sum() + " at " + new RowPlaces(validation).describe(List.of(microBatch));
      }
    }
    long[] numbers = new long[ExactSum.LENGTH + 1];
    numbers[ExactSum.LENGTH] = tokens;
    losses.writeTo(numbers, 0);
    collective.sum(numbers);
    losses.readFrom(numbers, 0);
    return mean(step, losses.value(), numbers[ExactSum.LENGTH], problem);
  }

  private EvaluationMetrics mean(long step, double sum, long tokens, String problem) {
    if (!Double.isFinite(sum)) {
      Agreement agreement = new Agreement(collective);
      List<String> problems = agreement.gather(problem);
      problems.removeIf(String::isEmpty);
      agreement.settle();
      throw new SparktuneException(
          ErrorCode.DIVERGED,
          "The validation loss after step %d is %s."
              .formatted(step, problems.isEmpty() ? sum : problems.get(0)),
          "Lower the learning rate; a checkpoint before this step is still good.");
    }
    if (tokens == 0) {
      new Agreement(collective).settle();
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "No token of the validation split carries loss.",
          "Check the loss masks of the validation data, or leave the validation split out.");
    }
    double mean = sum / tokens;
    return new EvaluationMetrics(step, mean, Math.exp(mean), tokens);
  }
}
