package org.sparktune.jobs.ranks;

import org.sparktune.trainer.engine.choice.Engines;
import org.sparktune.trainer.engine.choice.GpuChoice;

/**
 * A rank's part of its host, which it may share with other ranks of the run.
 *
 * @param ranksOnHost how many ranks are on the host, this one included
 * @param threads threads of its engine; results do not depend on them
 * @param memoryBytes what it may take
 * @param gpu the GPU for it, if its engine wants one
 */
public record HostShare(int ranksOnHost, int threads, long memoryBytes, GpuChoice gpu) {

  /**
   * How many threads a rank's engine gets: its part of the cores that its process was given, or,
   * where nobody said how many those are, of all cores of the host.
   *
   * @param cores of the process; 0 if nobody said
   * @param inProcess ranks in the process
   */
  static int threads(int cores, int onHost, int inProcess) {
    int all = Engines.defaultThreads();
    return Math.max(1, cores > 0 ? Math.min(all, cores) / inProcess : all / onHost);
  }
}
