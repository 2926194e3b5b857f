package org.sparktune.trainer.engine;

/**
 * A matrix {@code (out, in)} prepared by an engine for products; only the engine that made it can
 * use it.
 */
public interface Weight {
  /** Output features. */
  long out();

  /** Input features. */
  long in();
}
