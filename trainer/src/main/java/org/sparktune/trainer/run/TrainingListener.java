package org.sparktune.trainer.run;

/**
 * Told what the loop does, on the loop's own thread: for progress bars, sample generations and
 * trackers. Nothing it does may change the parameters.
 */
public interface TrainingListener {

  /** A listener that does nothing. */
  TrainingListener NONE = new TrainingListener() {};

  /** The run is about to start, or to go on from {@link TrainingPlan#resumedStep()}. */
  default void started(TrainingPlan plan) {}

  /** A step was made; called for every step, logged or not. */
  default void stepped(StepMetrics metrics) {}

  /** The validation split was evaluated. */
  default void evaluated(EvaluationMetrics metrics) {}

  /** It is time for sample generations with the parameters after {@code step} steps. */
  default void sample(long step) {}

  /** A checkpoint was completed at a path or URI. */
  default void checkpointed(long step, String location) {}

  /** The run is complete. */
  default void finished(TrainingResult result) {}
}
