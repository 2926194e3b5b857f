package org.sparktune.trainer.collective.aeron;

import io.aeron.Aeron;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.exceptions.RegistrationException;
import java.nio.file.Path;
import java.time.Duration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * A rank's own media driver and its client. The driver has no threads: whoever communicates calls
 * {@link #work}, so sending, receiving and adding happen on one core without handing anything over.
 *
 * <p>Every rank has one, also beside others on the same host: a stream lives in its receiver's
 * driver, to which the sender's process attaches. So a driver that is gone takes nothing with it
 * but what belonged to a dead rank.
 */
final class Driver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Driver.class);

  private static final int COUNTER_BYTES = 1 << 20;

  /** Names the one UDP socket, so that every subscription uses it. */
  private static final int SOCKET_TAG = 1;

  /** Sessions of one stream: more ranks than anyone has, and a bound on what strangers can ask. */
  private static final int SESSIONS = 4096;

  private final MediaDriver media;
  private final Aeron client;
  private final TransportSettings settings;

  private Driver(MediaDriver media, Aeron client, TransportSettings settings) {
    this.media = media;
    this.client = client;
    this.settings = settings;
  }

  /** Starts a driver in a folder of its own. */
  static Driver launch(Path folder, TransportSettings settings, CollectiveOptions options) {
    long timeout = settings.transportTimeoutNanos();
    MediaDriver.Context context =
        new MediaDriver.Context()
            .aeronDirectoryName(folder.toString())
            .threadingMode(ThreadingMode.INVOKER)
            .asyncExecutorEnabled(false)
            .dirDeleteOnStart(true)
            .dirDeleteOnShutdown(true)
            .warnIfDirectoryExists(false)
            .termBufferSparseFile(true)
            .lowStorageWarningThreshold(0)
            .counterValuesBufferLength(COUNTER_BYTES)
            .mtuLength(settings.mtuLength())
            .socketRcvbufLength(settings.socketBufferLength())
            .socketSndbufLength(settings.socketBufferLength())
            .initialWindowLength(settings.initialWindowLength())
            .streamSessionLimit(SESSIONS)
            .imageLivenessTimeoutNs(timeout)
            .clientLivenessTimeoutNs(timeout)
            .publicationUnblockTimeoutNs(timeout + Duration.ofSeconds(5).toNanos())
            .errorHandler(Driver::report);
    if (!options.portRange().isEmpty()) {
      context.receiverWildcardPortRange(options.portRange());
    }
    MediaDriver media = MediaDriver.launch(context);
    try {
      Aeron client =
          Aeron.connect(
              clientContext(folder.toString(), timeout)
                  .driverAgentInvoker(media.sharedAgentInvoker()));
      return new Driver(media, client, settings);
    } catch (RuntimeException e) {
      media.close();
      throw e;
    }
  }

  /**
   * Takes a UDP port.
   *
   * @param streamId that nobody knows: only the port is wanted as yet
   * @return the port
   */
  int listen(String address, int streamId) {
    String host = address.contains(":") ? "[" + address + "]" : address;
    try {
      String local =
          subscribe("aeron:udp?tags=%d|endpoint=%s:0".formatted(SOCKET_TAG, host), streamId)
              .tryResolveChannelEndpointPort();
      return Integer.parseInt(local.substring(local.lastIndexOf(':') + 1).replaceAll("\\D.*", ""));
    } catch (RegistrationException e) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "No UDP port can be opened on %s: %s.".formatted(address, e.getMessage()),
          "Name an address of this host, and a range of ports that are free.",
          e);
    }
  }

  /** Listens on the port for one session of a stream. */
  Subscription subscribeUdp(int sessionId, int streamId) {
    return subscribe("aeron:udp?tags=%d|session-id=%d".formatted(SOCKET_TAG, sessionId), streamId);
  }

  /** Listens in shared memory for one session of a stream. */
  Subscription subscribeIpc(int sessionId, int streamId) {
    return subscribe("aeron:ipc?session-id=" + sessionId, streamId);
  }

  private Subscription subscribe(String channel, int streamId) {
    return client.addSubscription(channel, streamId);
  }

  /** Attaches to another rank's driver on this host. */
  Aeron attach(String folder) {
    return Aeron.connect(clientContext(folder, settings.transportTimeoutNanos()));
  }

  /** The client of this driver. */
  Aeron client() {
    return client;
  }

  /** One turn of the driver: sends, receives, obeys clients. Returns what was done. */
  int work() {
    return media.sharedAgentInvoker().invoke();
  }

  @Override
  public void close() {
    client.close();
    media.close();
  }

  private static Aeron.Context clientContext(String folder, long timeoutNanos) {
    return new Aeron.Context()
        .aeronDirectoryName(folder)
        .useConductorAgentInvoker(true)
        .driverTimeoutMs(Duration.ofNanos(timeoutNanos).toMillis())
        .errorHandler(Driver::report)
        .subscriberErrorHandler(Driver::rethrow);
  }

  /** What goes wrong inside Aeron shows as silence or a closed stream; this says why. */
  private static void report(Throwable throwable) {
    LOG.debug("Aeron reports {}", throwable.toString(), throwable);
  }

  private static void rethrow(Throwable throwable) {
    if (throwable instanceof RuntimeException failure) {
      throw failure;
    }
    throw new IllegalStateException(throwable);
  }
}
