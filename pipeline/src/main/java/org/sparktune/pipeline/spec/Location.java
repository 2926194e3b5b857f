package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * A place in a specification.
 *
 * @param origin the file as the user named it, or the {@code --set} option
 * @param line counted from 1; 0 when the place is not in a file
 * @param column counted from 1; 0 when the place is not in a file
 */
public record Location(String origin, int line, int column) implements Serializable {

  /** {@code file:line:column}, or the origin alone. */
  @Override
  public String toString() {
    return line == 0 ? origin : origin + ":" + line + ":" + column;
  }
}
