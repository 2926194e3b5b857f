package org.sparktune.jobs.ranks;

import java.util.OptionalInt;

/**
 * What a rank's process was given of its host.
 *
 * @param cores processor cores that the process may use; 0 if nobody said
 * @param gpu the index of the GPU that the cluster gave to this rank; empty where it gives none
 */
public record RankResources(int cores, OptionalInt gpu) {
  /** Nobody said anything. */
  public static final RankResources UNKNOWN = new RankResources(0, OptionalInt.empty());
}
