package org.sparktune.jobs.ranks;

import java.nio.file.Path;
import java.time.Duration;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.collective.aeron.CollectiveOptions;
import org.sparktune.trainer.collective.aeron.Medium;
import org.sparktune.trainer.collective.aeron.WireType;

/** A specification's options as the collective takes them. */
final class CollectiveChoice {
  private CollectiveChoice() {}

  /**
   * The options of a rank.
   *
   * @param host the name or address to listen on; empty for the host's own
   */
  static CollectiveOptions of(ClusterOptions options, String host) {
    CollectiveOptions.Builder builder = CollectiveOptions.builder();
    if (!options.mediaDriver().isEmpty()) {
      builder.externalDriver(Path.of(options.mediaDriver()));
    }
    return builder
        .medium(
            switch (options.transport()) {
              case AUTO -> Medium.AUTO;
              case IPC -> Medium.IPC;
              case UDP -> Medium.UDP;
            })
        .wire(
            switch (options.wire()) {
              case FP32 -> WireType.F32;
              case BF16 -> WireType.BF16;
            })
        .host(host)
        .mtuLength(options.mtu())
        .peerTimeout(Duration.ofSeconds(options.peerTimeoutSeconds()))
        .build();
  }
}
