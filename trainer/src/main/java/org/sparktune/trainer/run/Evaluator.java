package org.sparktune.trainer.run;

import java.util.Arrays;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Agreement;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.ExactSum;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.Trainable;

/**
 * The mean loss, and the objective's other means, over a validation split. Ranks share the
 * micro-batches; what they sum is added exactly, so means have the same bits at any number of
 * ranks.
 */
final class Evaluator implements Evaluation {
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

  @Override
  public EvaluationMetrics evaluate(long step) {
    long microBatches = (validation.rows() + batchSize - 1) / batchSize;
    long from = microBatches * collective.rank() / collective.ranks();
    long to = microBatches * (collective.rank() + 1) / collective.ranks();
    List<String> names = trainable.figures();
    ExactSum[] sums = new ExactSum[1 + names.size()];
    Arrays.setAll(sums, i -> new ExactSum());
    long weight = 0;
    String problem = "";
    validation.seek(Cursor.START);
    validation.skip(from * batchSize);
    for (long i = from; i < to && problem.isEmpty(); i++) {
      MicroBatch microBatch = MicroBatch.read(validation, batchSize);
      Trainable.LossSum loss = trainable.evaluate(microBatch.batch());
      sums[0].add(loss.sum());
      for (int figure = 0; figure < names.size(); figure++) {
        sums[1 + figure].add(loss.figures().get(figure));
      }
      weight += loss.weight();
      if (!Double.isFinite(loss.sum())) {
        problem = loss.sum() + " at " + new RowPlaces(validation).describe(List.of(microBatch));
      }
    }
    long[] numbers = new long[sums.length * ExactSum.LENGTH + 1];
    numbers[numbers.length - 1] = weight;
    for (int i = 0; i < sums.length; i++) {
      sums[i].writeTo(numbers, i * ExactSum.LENGTH);
    }
    collective.sum(numbers);
    for (int i = 0; i < sums.length; i++) {
      sums[i].readFrom(numbers, i * ExactSum.LENGTH);
    }
    long total = numbers[numbers.length - 1];
    requireFinite(step, sums[0].value(), problem);
    if (total == 0) {
      new Agreement(collective).settle();
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "Nothing of the validation split carries loss.",
          "Check the loss masks of the validation data, or leave the validation split out.");
    }
    double loss = sums[0].value() / total;
    SortedMap<String, Double> figures = new TreeMap<>();
    for (int i = 0; i < names.size(); i++) {
      figures.put(names.get(i), sums[1 + i].value() / total);
    }
    if (trainable.isLogLikelihood()) {
      figures.put(EvaluationMetrics.PERPLEXITY, Math.exp(loss));
    }
    return new EvaluationMetrics(step, loss, total, figures);
  }

  private void requireFinite(long step, double sum, String problem) {
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
  }
}
