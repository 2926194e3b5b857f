/**
 * Responses that a policy samples while it is trained, and what they are worth: prompts out of
 * dataset rows, batched sampling with seeds of their own, reward functions, and the batches that
 * the objective reads. {@code trainer.run} makes steps of them.
 */
package org.sparktune.trainer.rollout;
