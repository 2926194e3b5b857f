package org.sparktune.jobs.ranks;

/** The driver, as a rank can speak to it. */
@FunctionalInterface
public interface Headquarters {
  /**
   * Sends a report.
   *
   * @param report a {@link RankReport} as JSON
   * @return the driver's order
   * @throws java.io.IOException if the driver cannot be reached now
   */
  Order report(String report) throws java.io.IOException;
}
