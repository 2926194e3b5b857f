package org.sparktune.pipeline.spec;

import java.io.Serializable;

/**
 * How many executors train together, how they talk, and what happens when one is lost. Nothing here
 * but {@code wire} decides the result's bits.
 *
 * @param executors Spark tasks that train one model together; each is a rank
 * @param minExecutors fewest with which a training goes on after it lost some
 * @param transport how ranks reach each other
 * @param wire the element type of gradients between ranks
 * @param mtu bytes of a datagram between hosts
 * @param mediaDriver the folder of an Aeron media driver that runs on every host; empty: each
 *     executor runs its own
 * @param peerTimeoutSeconds a rank that was not heard of for so long counts as lost
 * @param executorWaitSeconds how long is waited for executors: at the start, and for replacements
 *     of lost ones before the training goes on with fewer
 * @param maxAttempts attempts in a row, without a new checkpoint, after which the training fails
 */
public record ClusterOptions(
    int executors,
    int minExecutors,
    Transport transport,
    Wire wire,
    int mtu,
    String mediaDriver,
    int peerTimeoutSeconds,
    int executorWaitSeconds,
    int maxAttempts)
    implements Serializable {

  /** How ranks reach each other. */
  public enum Transport {
    /** Shared memory within a host, UDP between hosts. */
    AUTO,
    /** Shared memory; refused when ranks are on several hosts. */
    IPC,
    /** UDP, within a host too. */
    UDP
  }

  /** The element type of gradients between ranks. */
  public enum Wire {
    /** The same bits at any number of executors. */
    FP32,
    /** Half the traffic; rounding errors are fed back into the next step. */
    BF16
  }
}
