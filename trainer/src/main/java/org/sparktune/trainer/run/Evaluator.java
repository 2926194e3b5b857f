package org.sparktune.trainer.run;

import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.Cursor;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.model.Batch;
import org.sparktune.trainer.optim.Trainable;

/** The mean loss over all loss-carrying tokens of a validation split. */
final class Evaluator {
  private final Trainable<Batch> trainable;
  private final DatasetReader validation;
  private final int batchSize;

  Evaluator(Trainable<Batch> trainable, DatasetReader validation, int batchSize) {
    this.trainable = trainable;
    this.validation = validation;
    this.batchSize = batchSize;
  }

  EvaluationMetrics evaluate(long step) {
    double sum = 0;
    long tokens = 0;
    validation.seek(Cursor.START);
    while (validation.cursor().epoch() == 0) {
      MicroBatch microBatch = MicroBatch.read(validation, batchSize);
      Trainable.LossSum loss = trainable.evaluate(microBatch.batch());
      if (!Double.isFinite(loss.sum())) {
        throw new SparktuneException(
            ErrorCode.DIVERGED,
            "The validation loss after step %d is %s at %s."
                .formatted(step, loss.sum(), MicroBatch.places(List.of(microBatch))),
            "Lower the learning rate; a checkpoint before this step is still good.");
      }
      sum += loss.sum();
      tokens += loss.tokens();
    }
    if (tokens == 0) {
      throw new SparktuneException(
          ErrorCode.BAD_DATA,
          "No token of the validation split carries loss.",
          "Check the loss masks of the validation data, or leave the validation split out.");
    }
    double mean = sum / tokens;
    return new EvaluationMetrics(step, mean, Math.exp(mean), tokens);
  }
}
