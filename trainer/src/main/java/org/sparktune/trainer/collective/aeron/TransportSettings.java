package org.sparktune.trainer.collective.aeron;

import java.nio.file.Path;
import java.time.Duration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Options that fit each other and the machine, with everything filled in.
 *
 * @param mtuLength bytes of a datagram's payload
 * @param socketBufferLength bytes of the sockets' buffers
 * @param initialWindowLength bytes a UDP sender may be ahead
 * @param peerTimeoutNanos silence after which a rank counts as lost
 * @param connectTimeoutNanos time to find each other
 * @param heartbeatNanos between two signs of life
 */
record TransportSettings(
    int mtuLength,
    int socketBufferLength,
    int initialWindowLength,
    long peerTimeoutNanos,
    long connectTimeoutNanos,
    long heartbeatNanos) {
  static final int SHORTEST_TERM = 64 << 10;

  private static final int LONGEST_TERM = 1 << 30;
  private static final int SHORTEST_MTU = 256;
  private static final int LONGEST_MTU = 65_504;
  private static final int FRAME_ALIGNMENT = 32;
  private static final int PREFERRED_SOCKET_BUFFER = 4 << 20;
  private static final Duration SHORTEST_TIMEOUT = Duration.ofMillis(200);
  private static final Duration LONGEST_TIMEOUT = Duration.ofHours(1);
  private static final long LONGEST_HEARTBEAT_NANOS = 1_000_000_000L;

  /** Checks the options against each other and the system, and fills in what they leave open. */
  static TransportSettings conclude(CollectiveOptions options, SystemLimits limits) {
    checkDriver(options);
    checkTerm("term_length", options.termLength());
    checkTerm("ipc_term_length", options.ipcTermLength());
    checkMtu(options);
    int buffer = socketBuffer(options, limits);
    int window = window(options, buffer);
    checkTimeout("peer_timeout", options.peerTimeout());
    checkTimeout("connect_timeout", options.connectTimeout());
    long peerTimeout = options.peerTimeout().toNanos();
    return new TransportSettings(
        options.mtuLength(),
        buffer,
        window,
        peerTimeout,
        options.connectTimeout().toNanos(),
        Math.min(LONGEST_HEARTBEAT_NANOS, peerTimeout / 5));
  }

  /**
   * How long Aeron itself waits before it gives somebody up: longer than we do, so that we are the
   * ones to notice and a pause shorter than the timeout breaks nothing.
   */
  long transportTimeoutNanos() {
    return 2 * Math.max(peerTimeoutNanos, connectTimeoutNanos) + 10_000_000_000L;
  }

  /** An external driver has chosen already. */
  private static void checkDriver(CollectiveOptions options) {
    if (options.externalDriver().isEmpty()) {
      return;
    }
    Path folder = options.externalDriver().get();
    require(
        options.portRange().isEmpty(),
        "port_range is %s, but the media driver in %s chooses ports."
            .formatted(options.portRange(), folder),
        "Leave the one out, or give the range to the driver.");
    require(
        options.directory().isEmpty(),
        "directory is %s, but the media driver is in %s."
            .formatted(options.directory().orElse(folder), folder),
        "Leave the one out.");
  }

  private static void checkTerm(String name, int length) {
    require(
        Integer.bitCount(length) == 1 && length >= SHORTEST_TERM && length <= LONGEST_TERM,
        "%s is %d, not a power of two from %d to %d."
            .formatted(name, length, SHORTEST_TERM, LONGEST_TERM),
        "4194304 suits most networks.");
  }

  private static void checkMtu(CollectiveOptions options) {
    int mtu = options.mtuLength();
    require(
        mtu >= SHORTEST_MTU && mtu <= LONGEST_MTU && mtu % FRAME_ALIGNMENT == 0,
        "mtu_length is %d, not a multiple of %d from %d to %d."
            .formatted(mtu, FRAME_ALIGNMENT, SHORTEST_MTU, LONGEST_MTU),
        "1408 fits every Ethernet, 8192 jumbo frames, 65504 the loopback interface.");
    require(
        mtu <= options.termLength() / 8,
        "mtu_length is %d, more than an eighth of term_length, which is %d."
            .formatted(mtu, options.termLength()),
        "Lower the one or raise the other.");
  }

  private static int socketBuffer(CollectiveOptions options, SystemLimits limits) {
    int allowed = Math.min(limits.largestReceiveBuffer(), limits.largestSendBuffer());
    int wanted = options.socketBufferLength();
    if (wanted == 0) {
      wanted = Math.min(PREFERRED_SOCKET_BUFFER, allowed);
    }
    require(
        wanted <= limits.largestReceiveBuffer(),
        "socket_buffer_length is %d, but net.core.rmem_max is %d."
            .formatted(wanted, limits.largestReceiveBuffer()),
        "Lower the one or raise the other with sysctl.");
    require(
        wanted <= limits.largestSendBuffer(),
        "socket_buffer_length is %d, but net.core.wmem_max is %d."
            .formatted(wanted, limits.largestSendBuffer()),
        "Lower the one or raise the other with sysctl.");
    require(
        options.mtuLength() <= wanted,
        "mtu_length is %d, more than the sockets' buffers of %d bytes."
            .formatted(options.mtuLength(), wanted),
        "Lower the one or raise socket_buffer_length.");
    return wanted;
  }

  private static int window(CollectiveOptions options, int buffer) {
    int window = options.initialWindowLength();
    if (window == 0) {
      // The kernel counts a datagram's bookkeeping as well, so half of the buffer is data.
      return Math.max(options.mtuLength(), Math.min(buffer / 2, options.termLength() / 2));
    }
    require(
        window >= options.mtuLength(),
        "initial_window_length is %d, less than mtu_length, which is %d."
            .formatted(window, options.mtuLength()),
        "Raise the one or lower the other.");
    require(
        window <= buffer,
        "initial_window_length is %d, more than the sockets' buffers of %d bytes."
            .formatted(window, buffer),
        "Lower the one or raise socket_buffer_length.");
    require(
        window <= options.termLength() / 2,
        "initial_window_length is %d, more than half of term_length, which is %d."
            .formatted(window, options.termLength()),
        "Lower the one or raise the other.");
    return window;
  }

  private static void checkTimeout(String name, Duration timeout) {
    require(
        timeout.compareTo(SHORTEST_TIMEOUT) >= 0 && timeout.compareTo(LONGEST_TIMEOUT) <= 0,
        "%s is %s, not between %s and %s."
            .formatted(name, text(timeout), text(SHORTEST_TIMEOUT), text(LONGEST_TIMEOUT)),
        "30 s suits most clusters.");
  }

  private static String text(Duration duration) {
    return duration.toMillis() + " ms";
  }

  private static void require(boolean condition, String message, String hint) {
    if (!condition) {
      throw new SparktuneException(ErrorCode.INVALID_SPEC, message, hint);
    }
  }
}
