package org.sparktune.jobs.ranks;

import java.io.Serializable;
import org.sparktune.pipeline.spec.ClusterOptions;

/**
 * What the driver gives every rank of an attempt, and nobody else.
 *
 * @param runId names the run; another one after a restart of the driver
 * @param attempt counts from 1; ranks of an earlier attempt are strangers
 * @param secret authenticates the ranks to each other
 * @param code the driver's {@link CodeVersion}
 * @param cluster how the ranks talk
 */
public record RunTicket(
    String runId, int attempt, byte[] secret, String code, ClusterOptions cluster)
    implements Serializable {

  /** Leaves the secret out: tickets are logged. */
  @Override
  public String toString() {
    return "run %s, attempt %d".formatted(runId, attempt);
  }
}
