package org.sparktune.trainer.run;

import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;

/**
 * Trains a {@link org.sparktune.trainer.optim.Trainable} from a prepared dataset: the one entry
 * point of this package.
 */
public final class Training {
  private Training() {}

  /**
   * Trains to the end, going on from the newest valid checkpoint in the task folder if there is
   * one. A run that was stopped and resumed ends with the same bits as one that was not.
   *
   * @return how it ended
   * @throws org.sparktune.core.SparktuneException {@code INTERRUPTED} when stopped, {@code
   *     DIVERGED} when a loss or a gradient is not finite, {@code MISMATCH} when the checkpoint
   *     belongs to another run, {@code RESOURCES} or {@code OUTPUT} when a checkpoint cannot be
   *     written
   */
  public static TrainingResult run(TrainingInputs inputs) {
    try (TrainingLoop loop = new TrainingLoop(inputs)) {
      return loop.run();
    } catch (RuntimeException | Error e) {
      tellOthers(inputs.collective(), e);
      throw e;
    }
  }

  /**
   * Lets the other ranks know of a failure that may be this rank's alone. Where all have come to
   * the same failure, none waits for another any more: see {@code Agreement.settle}.
   */
  private static void tellOthers(Collective collective, Throwable failure) {
    boolean lost =
        failure instanceof SparktuneException known && known.code() == ErrorCode.PEER_LOST;
    if (collective.ranks() > 1 && !lost) {
      collective.abort(String.valueOf(failure.getMessage()));
    }
  }
}
