package org.sparktune.jobs.doctor;

/**
 * One line of the doctor's report.
 *
 * @param name what was looked at
 * @param status how it is
 * @param value what was found
 * @param hint what to do about it; empty when there is nothing to do
 */
public record Finding(String name, Status status, String value, String hint) {

  /** How something is. */
  public enum Status {
    /** As it should be. */
    OK,
    /** Usable, but slower or smaller than it could be. */
    WARNING,
    /** Training cannot work like this. */
    FAILED
  }

  static Finding ok(String name, String value) {
    return new Finding(name, Status.OK, value, "");
  }

  static Finding warning(String name, String value, String hint) {
    return new Finding(name, Status.WARNING, value, hint);
  }

  static Finding failed(String name, String value, String hint) {
    return new Finding(name, Status.FAILED, value, hint);
  }
}
