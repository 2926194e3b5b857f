package org.sparktune.trainer.run;

import java.util.Map;

/** What the loop does with the rows of a step: makes an optimizer step of them, or several. */
interface StepMaker extends AutoCloseable {

  /**
   * Makes a step. All ranks come to the same numbers, and to the same failures.
   *
   * @param step steps already made
   * @param batches the rows that this rank works on
   */
  TrainingStep.Outcome make(long step, StepReader.Step batches, double learningRate)
      throws TrainingStep.NotFiniteException;

  /**
   * Optimizer updates made so far.
   *
   * @param steps steps made so far
   */
  default long updates(long steps) {
    return steps;
  }

  /** What has to be known, beside vectors and place, to go on to the same bits. */
  default Map<String, Double> state() {
    return Map.of();
  }

  /** Goes on from what {@link #state} returned. */
  default void restore(Map<String, Double> state) {}

  /** Waits until nothing is computed any more. */
  @Override
  default void close() {}
}
