package org.sparktune.trainer.model;

import java.util.List;
import org.sparktune.trainer.optim.GradientListener;
import org.sparktune.trainer.optim.Trainable.LossSum;

/** What a decoder is trained towards: a loss over what it says of a batch, and its gradient. */
public interface DecoderObjective {

  /** See {@link org.sparktune.trainer.optim.Trainable#weight}. */
  long weight(Batch batch);

  /** See {@link org.sparktune.trainer.optim.Trainable#figures}. */
  default List<String> figures() {
    return List.of();
  }

  /** See {@link org.sparktune.trainer.optim.Trainable#isLogLikelihood}. */
  default boolean isLogLikelihood() {
    return false;
  }

  /**
   * Adds {@code lossScale} times the gradient of the summed loss to the trained parameters'.
   *
   * @param passage how the model is run
   * @param listener told which gradients are complete
   */
  LossSum accumulate(
      Decoder decoder, Batch batch, double lossScale, Passage passage, GradientListener listener);

  /** The loss alone. */
  LossSum evaluate(Decoder decoder, Batch batch);
}
