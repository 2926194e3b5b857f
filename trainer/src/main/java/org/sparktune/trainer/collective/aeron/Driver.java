package org.sparktune.trainer.collective.aeron;

import io.aeron.Aeron;
import io.aeron.CommonContext;
import io.aeron.Subscription;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import io.aeron.exceptions.AeronException;
import io.aeron.exceptions.RegistrationException;
import io.aeron.exceptions.TimeoutException;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import org.agrona.concurrent.AgentInvoker;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * A rank's media driver and its client. A driver of the rank's own has no threads: whoever
 * communicates calls {@link #work}, so sending, receiving and adding happen on one core without
 * handing anything over. Every rank has one, also beside others on the same host: a stream lives in
 * its receiver's driver, to which the sender's process attaches. So a driver that is gone takes
 * nothing with it but what belonged to a dead rank.
 *
 * <p>An external driver is a process that runs already, with its own threads and settings, and
 * serves all ranks of its host.
 */
final class Driver implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Driver.class);

  private static final int COUNTER_BYTES = 1 << 20;

  /** Sessions of one stream: more ranks than anyone has, and a bound on what strangers can ask. */
  private static final int SESSIONS = 4096;

  /** An external driver is silent for a second at least while it is alive. */
  private static final long SHORTEST_SILENCE_NANOS = Duration.ofSeconds(5).toNanos();

  /** Null for an external driver. */
  private final MediaDriver media;

  private final Aeron client;
  private final AgentInvoker turns;
  private final Loss loss;
  private final TransportSettings settings;

  /** Names the one UDP socket, so that every subscription uses it. */
  private final int socketTag = new SecureRandom().nextInt(Integer.MAX_VALUE);

  private Driver(
      MediaDriver media, Aeron client, AgentInvoker turns, Loss loss, TransportSettings settings) {
    this.media = media;
    this.client = client;
    this.turns = turns;
    this.loss = loss;
    this.settings = settings;
  }

  /**
   * Becomes a client of a driver that runs.
   *
   * @throws SparktuneException {@code RESOURCES} when none does
   */
  static Driver attachExternal(Path folder, TransportSettings settings) {
    long silence = Math.max(SHORTEST_SILENCE_NANOS, settings.peerTimeoutNanos());
    try {
      if (CommonContext.isDriverActive(
          folder.toFile(), Duration.ofNanos(silence).toMillis(), LOG::debug)) {
        Loss loss = new Loss();
        Aeron client =
            Aeron.connect(clientContext(folder.toString(), silence).errorHandler(loss::report));
        return new Driver(null, client, client.conductorAgentInvoker(), loss, settings);
      }
    } catch (AeronException e) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The media driver in %s cannot be used: %s.".formatted(folder, e.getMessage()),
          "Run a driver of this Aeron's version there, or leave cluster.media_driver out.",
          e);
    }
    throw new SparktuneException(
        ErrorCode.RESOURCES,
        "No media driver runs in %s on %s.".formatted(folder, HostIdentity.name()),
        "Start one in that folder on every host, or leave cluster.media_driver out.");
  }

  /** A client closes its streams in the call in which it notices that the driver is gone. */
  private static final class Loss {
    private volatile boolean noticed;

    private void report(Throwable throwable) {
      if (throwable instanceof TimeoutException) {
        noticed = true;
      }
      Driver.report(throwable);
    }
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
      return new Driver(media, client, media.sharedAgentInvoker(), new Loss(), settings);
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
          subscribe("aeron:udp?tags=%d|endpoint=%s:0".formatted(socketTag, host), streamId)
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
    return subscribe("aeron:udp?tags=%d|session-id=%d".formatted(socketTag, sessionId), streamId);
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

  /** Whether it is another process's. */
  boolean isExternal() {
    return media == null;
  }

  /**
   * One turn: a driver of one's own sends, receives and obeys clients; an external one is told that
   * its client lives. Returns what was done.
   *
   * @throws SparktuneException {@code RESOURCES} when an external driver is gone
   */
  int work() {
    int done = turns.invoke();
    if (loss.noticed) {
      throw new SparktuneException(
          ErrorCode.RESOURCES,
          "The media driver in %s has ended.".formatted(client.context().aeronDirectoryName()),
          "Keep it running as long as trainings use it.");
    }
    return done;
  }

  @Override
  public void close() {
    client.close();
    if (media != null) {
      media.close();
    }
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
