package org.sparktune.pipeline.spec;

import java.io.Serializable;

/** Where a task's data comes from. */
public sealed interface DatasetChoice extends Serializable {

  /**
   * A dataset folder that is prepared already, or by another task.
   *
   * @param source the prepare task, or the folder
   * @param pin which version of it, such as {@code @v3}; empty for the newest
   */
  record Prepared(Reference source, String pin) implements DatasetChoice {}

  /**
   * Raw files that the task prepares for itself.
   *
   * @param options the sources and how to prepare them
   */
  record Raw(DatasetOptions options) implements DatasetChoice {}
}
