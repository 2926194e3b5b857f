package org.sparktune.trainer.run;

import org.sparktune.trainer.optim.Problems;

/**
 * How often, in optimizer steps, something happens besides training; 0 means never. None of it
 * changes what is trained, so all of it may differ when a run is resumed.
 *
 * @param logEvery log line and metrics line; at least 1
 * @param evaluateEvery validation loss; with a validation split the start and the end are always
 *     evaluated
 * @param sampleEvery sample generations
 * @param checkpointEvery checkpoints; the end always has one
 * @param keepCheckpoints how many of the newest checkpoints stay; at least 1
 */
public record Cadence(
    long logEvery,
    long evaluateEvery,
    long sampleEvery,
    long checkpointEvery,
    int keepCheckpoints) {

  /** What the documentation of TaskSpec promises. */
  public static final Cadence DEFAULTS = new Cadence(1, 50, 0, 100, 2);

  /** Checks the values. */
  public Cadence {
    Problems problems = new Problems();
    problems.require(logEvery >= 1, "log_every must be at least 1, not %d".formatted(logEvery));
    problems.require(
        evaluateEvery >= 0,
        "evaluate_every must not be negative, it is %d".formatted(evaluateEvery));
    problems.require(
        sampleEvery >= 0, "sample_every must not be negative, it is %d".formatted(sampleEvery));
    problems.require(
        checkpointEvery >= 0,
        "checkpoint_every must not be negative, it is %d".formatted(checkpointEvery));
    problems.require(
        keepCheckpoints >= 1,
        "keep_checkpoints must be at least 1, not %d".formatted(keepCheckpoints));
    problems.throwIfAny();
  }
}
