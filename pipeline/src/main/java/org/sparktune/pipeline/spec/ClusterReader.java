package org.sparktune.pipeline.spec;

import org.sparktune.pipeline.spec.ClusterOptions.Transport;
import org.sparktune.pipeline.spec.ClusterOptions.Wire;

/** Reads how many executors train, and how they talk; the defaults stand here. */
final class ClusterReader {
  private static final int MAX_EXECUTORS = 4096;
  private static final int MTU = 1408;
  private static final int MAX_MTU = 65_504;

  /** Datagrams are cut at multiples of a frame's alignment. */
  private static final int MTU_MULTIPLE = 32;

  private ClusterReader() {}

  /**
   * @param top the specification's own keys
   */
  static ClusterOptions read(MappingReader top) {
    int executors = (int) top.integer("executors", 1, 1, MAX_EXECUTORS);
    int minExecutors = (int) top.integer("min_executors", executors, 1, MAX_EXECUTORS);
    if (minExecutors > executors) {
      top.problem(
          "min_executors",
          "'min_executors' is %d, more than 'executors', which is %d."
              .formatted(minExecutors, executors),
          "Lower 'min_executors', or leave it out to train with all executors or not at all.");
    }
    MappingReader cluster = top.mappingOrEmpty("cluster");
    ClusterOptions options =
        new ClusterOptions(
            executors,
            minExecutors,
            cluster.word("transport", Transport.AUTO),
            cluster.word("wire", Wire.FP32),
            mtu(cluster),
            cluster.text("media_driver", ""),
            (int) cluster.integer("peer_timeout_seconds", 30, 1, 3600),
            (int) cluster.integer("executor_wait_seconds", 120, 0, 86_400),
            (int) cluster.integer("max_attempts", 3, 1, 1000));
    cluster.finish();
    return options;
  }

  private static int mtu(MappingReader cluster) {
    int mtu = (int) cluster.integer("mtu", MTU, 256, MAX_MTU);
    if (mtu % MTU_MULTIPLE != 0) {
      int nearest = mtu / MTU_MULTIPLE * MTU_MULTIPLE;
      cluster.problem(
          "mtu",
          "'mtu' is %d, which is not a multiple of %d.".formatted(mtu, MTU_MULTIPLE),
          "Use %d.".formatted(nearest));
    }
    return mtu;
  }
}
