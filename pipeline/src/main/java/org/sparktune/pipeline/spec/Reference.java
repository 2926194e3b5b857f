package org.sparktune.pipeline.spec;

import java.io.Serializable;

/** An input that another task makes or that lies on storage. */
public sealed interface Reference extends Serializable {

  /**
   * What a task of the same specification makes.
   *
   * @param task its name
   */
  record TaskOutput(String task) implements Reference {}

  /**
   * A file or folder.
   *
   * @param path absolute, or a URI
   */
  record Stored(String path) implements Reference {}
}
