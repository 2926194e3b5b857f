package org.sparktune.trainer.collective.aeron;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * How long the streams' buffers are, and how long a frame in them: as long as was asked for where
 * there is room, shorter where there is not, such as in the 64 MiB that Docker gives /dev/shm. All
 * ranks come to the same result.
 *
 * @param udp bytes of one of a UDP data stream's three buffers
 * @param ipc bytes of one of a shared-memory data stream's three buffers
 */
record TermLengths(int udp, int ipc) {
  private static final Logger LOG = LoggerFactory.getLogger(TermLengths.class);

  /** Buffers of one stream, and a page of bookkeeping each. */
  private static final int TERMS = 3;

  /** Streams of a link whose buffers may lie in a rank's folder: UDP's are on both sides. */
  private static final int STREAMS = 2;

  private static final int LONGEST_FRAME = 65_504;
  private static final int FRAME_ALIGNMENT = 32;

  /** Chooses the lengths. */
  static TermLengths choose(CollectiveOptions options, List<PeerAddress> addresses) {
    int ranks = addresses.size();
    Map<String, Integer> ranksOfHost = new HashMap<>();
    for (PeerAddress address : addresses) {
      ranksOfHost.merge(address.hostId(), 1, Integer::sum);
    }
    long room = Long.MAX_VALUE;
    PeerAddress tightest = addresses.get(0);
    for (PeerAddress address : addresses) {
      // Half of what is free is left to others.
      long each = address.freeBytes() / 2 / ranksOfHost.get(address.hostId());
      if (each < room) {
        room = each;
        tightest = address;
      }
    }
    int links = Integer.SIZE - Integer.numberOfLeadingZeros(ranks - 1) + 1;
    int udp = fitting(options.termLength(), room / links);
    int ipc = fitting(options.ipcTermLength(), room / links);
    int shortest = Math.max(TransportSettings.SHORTEST_TERM, 8 * options.mtuLength());
    if (udp < shortest || ipc < TransportSettings.SHORTEST_TERM) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The streams of %d ranks need %d bytes, but only %d are free in %s on %s."
              .formatted(
                  ranks,
                  2L * ranksOfHost.get(tightest.hostId()) * links * bytes(shortest),
                  tightest.freeBytes(),
                  tightest.directory(),
                  tightest.host()),
          "Give the container more shared memory (docker run --shm-size=1g) or choose another"
              + " directory for the streams.");
    }
    if (udp < options.termLength() || ipc < options.ipcTermLength()) {
      LOG.warn(
          "Only {} MiB are free in {} on {}: stream buffers are {} KiB (UDP) and {} KiB (shared"
              + " memory) instead of {} and {}; more shared memory makes communication faster.",
          tightest.freeBytes() >> 20,
          tightest.directory(),
          tightest.host(),
          udp >> 10,
          ipc >> 10,
          options.termLength() >> 10,
          options.ipcTermLength() >> 10);
    }
    return new TermLengths(udp, ipc);
  }

  /** The longest frame that shared memory takes: an eighth of a buffer, at most a datagram's. */
  int ipcMtu() {
    return Math.min(LONGEST_FRAME, ipc / 8 / FRAME_ALIGNMENT * FRAME_ALIGNMENT);
  }

  private static int fitting(int wanted, long room) {
    int length = wanted;
    while (length > 1 && bytes(length) > room) {
      length /= 2;
    }
    return length;
  }

  /** Room that a link's streams take at most. */
  private static long bytes(int length) {
    return (long) TERMS * STREAMS * (length + TransportSettings.SHORTEST_TERM);
  }
}
