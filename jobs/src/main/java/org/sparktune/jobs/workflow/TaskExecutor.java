package org.sparktune.jobs.workflow;

import java.util.Map;
import org.sparktune.jobs.storage.Place;
import org.sparktune.pipeline.spec.Task;

/** Does the work of one task. */
public interface TaskExecutor {

  /**
   * Runs a task, going on from its newest checkpoint if the folder has one.
   *
   * @param folder the task's folder; it exists and holds nothing of another task
   * @return what the task reports, representable as JSON
   */
  Map<String, Object> execute(Task task, Place folder);
}
