/**
 * What a trainable is, and what turns its gradient into new parameters: AdamW, learning-rate
 * schedules, the global norm and clipping, and the fixed tree in which micro-batch gradients are
 * summed. Everything works on flat F32 vectors and gives the same bits on any number of threads.
 */
package org.sparktune.trainer.optim;
