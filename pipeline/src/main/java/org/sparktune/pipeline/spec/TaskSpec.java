package org.sparktune.pipeline.spec;

import java.io.Serializable;
import java.util.List;

/**
 * A whole specification, valid and with every default filled in.
 *
 * @param name the workflow's name
 * @param output the absolute output folder
 * @param checkpoints the folder, on any Hadoop file system, that holds a folder of checkpoints for
 *     every training task; empty when each task's folder holds its own
 * @param seed the seed of everything that has none of its own
 * @param cluster how many executors train together, and how
 * @param tasks in an order in which every task follows what it depends on; stable with respect to
 *     the file
 */
public record TaskSpec(
    String name,
    String output,
    String checkpoints,
    long seed,
    ClusterOptions cluster,
    List<Task> tasks)
    implements Serializable {

  /** The task of a name. */
  public Task task(String taskName) {
    for (Task task : tasks) {
      if (task.name().equals(taskName)) {
        return task;
      }
    }
    throw new IllegalArgumentException("No task is named " + taskName);
  }
}
