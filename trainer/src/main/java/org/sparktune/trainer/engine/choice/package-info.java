/**
 * Chooses the engine at the start of a run and opens it: the one place that knows every engine, so
 * that {@code engine} itself knows none.
 */
package org.sparktune.trainer.engine.choice;
