package org.sparktune.trainer.run;

import java.util.Optional;
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
    return run(inputs, Optional.empty());
  }

  /**
   * As {@link #run(TrainingInputs)}, learning from responses that the run samples: the rows are
   * prompts, and a step is what is learnt from the responses to a step's prompts, in one optimizer
   * update or several.
   *
   * @throws SparktuneException also {@code BAD_DATA} when the reward function fails or no prompt of
   *     a step fits into the model's context
   */
  public static TrainingResult run(TrainingInputs inputs, Rollouts rollouts) {
    return run(inputs, Optional.of(rollouts));
  }

  private static TrainingResult run(TrainingInputs inputs, Optional<Rollouts> rollouts) {
    try (TrainingLoop loop = new TrainingLoop(inputs, rollouts)) {
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
