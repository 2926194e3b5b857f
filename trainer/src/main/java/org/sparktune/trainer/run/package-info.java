/** The training loop: what a trainable is, checkpoints, evaluation, sampling, metrics. */
package org.sparktune.trainer.run;
