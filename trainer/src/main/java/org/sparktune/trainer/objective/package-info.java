/**
 * Objectives: losses over what a model puts out (log-probabilities, scores, values, logits), each
 * with its gradient. Pure arithmetic in double precision; nothing here knows a model, an engine or
 * a dataset.
 */
package org.sparktune.trainer.objective;
