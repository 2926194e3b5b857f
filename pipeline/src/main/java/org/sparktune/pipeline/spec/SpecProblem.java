package org.sparktune.pipeline.spec;

import java.io.Serializable;
import org.sparktune.core.ErrorCode;

/**
 * One thing that is wrong with a specification.
 *
 * @param location where
 * @param code {@code INVALID_SPEC}, or {@code UNSUPPORTED} for a known word that this version
 *     cannot serve
 * @param message one sentence that says what is wrong
 * @param hint one sentence that says what to do; may be empty
 */
public record SpecProblem(Location location, ErrorCode code, String message, String hint)
    implements Serializable {

  /** {@code file:line:column: message hint}. */
  @Override
  public String toString() {
    return location + ": " + message + (hint.isEmpty() ? "" : " " + hint);
  }
}
