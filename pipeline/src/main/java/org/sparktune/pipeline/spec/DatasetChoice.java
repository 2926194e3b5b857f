package org.sparktune.pipeline.spec;

import java.io.Serializable;

/** Where a task's data comes from. */
public sealed interface DatasetChoice extends Serializable {

  /**
   * A dataset folder that is prepared already, or by another task.
   *
   * @param source the prepare task, or the folder
   */
  record Prepared(Reference source) implements DatasetChoice {}

  /**
   * Raw files that the task prepares for itself.
   *
   * @param options the sources and how to prepare them
   */
  record Raw(DatasetOptions options) implements DatasetChoice {}
}
