package org.sparktune.jobs.dl4j;

import java.io.Serializable;
import java.util.List;
import org.deeplearning4j.core.storage.Persistable;
import org.deeplearning4j.core.storage.StorageMetaData;
import org.sparktune.core.SparktuneException;

/**
 * What a rank brings back from an epoch.
 *
 * @param parameters {@code (P)} of rank 0, which all ranks have alike; null of others
 * @param state its part of the updater's state
 * @param stateFrom where parts of that begin in the network's state
 * @param stateTo where they end
 * @param scores of every step, of rank 0; null of others
 * @param stats what listeners on rank 0 recorded; null of others
 * @param failure what a user has to deal with; null without one
 */
record RankResult(
    float[] parameters,
    float[] state,
    long[] stateFrom,
    long[] stateTo,
    double[] scores,
    Stats stats,
    SparktuneException failure)
    implements Serializable {

  /**
   * What listeners recorded for a {@code StatsStorageRouter}.
   *
   * @param metaData of sessions
   * @param staticInfo once for a session
   * @param updates as training went on
   */
  record Stats(
      List<StorageMetaData> metaData, List<Persistable> staticInfo, List<Persistable> updates)
      implements Serializable {}

  /** A failure, without its cause, which may not be serializable. */
  static RankResult failed(SparktuneException failure) {
    return new RankResult(
        null,
        null,
        null,
        null,
        null,
        null,
        new SparktuneException(failure.code(), failure.getMessage(), failure.hint()));
  }
}
