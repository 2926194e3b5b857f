/** The training loop: checkpoints, evaluation, sampling, metrics. */
package org.sparktune.trainer.run;
