package org.sparktune.trainer.run;

/** Looks at a validation split. */
interface Evaluation {

  /**
   * The split's mean loss and other means, the same on every rank.
   *
   * @param step steps made so far
   */
  EvaluationMetrics evaluate(long step);
}
