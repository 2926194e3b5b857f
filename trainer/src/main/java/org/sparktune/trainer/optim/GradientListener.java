package org.sparktune.trainer.optim;

/** Told by a backward pass how far it has come, so that communication can begin before its end. */
@FunctionalInterface
public interface GradientListener {

  /** Nobody listens. */
  GradientListener NONE = offset -> {};

  /**
   * The pass will not touch the gradient from this element on any more; called with falling
   * offsets, on the thread that runs the pass.
   *
   * @param offset index in the flat gradient vector
   */
  void completedFrom(long offset);
}
