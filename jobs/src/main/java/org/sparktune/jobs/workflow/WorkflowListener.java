package org.sparktune.jobs.workflow;

import org.sparktune.pipeline.spec.Task;

/** Told what a workflow does. */
public interface WorkflowListener {

  /** A task is done already and left as it is. */
  void skipped(Task task);

  /**
   * A task begins.
   *
   * @param resumed whether an earlier run left something to go on from
   */
  void started(Task task, boolean resumed);

  /** A task is done. */
  void finished(TaskOutcome outcome);
}
