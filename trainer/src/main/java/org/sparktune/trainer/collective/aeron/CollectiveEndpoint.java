package org.sparktune.trainer.collective.aeron;

import java.net.InetAddress;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;

/**
 * A rank's end of the communication: it listens from when it is opened, so that its address can be
 * told to the others; then it connects, once. Ranks may be processes on any hosts, or threads of
 * one JVM.
 */
public final class CollectiveEndpoint implements AutoCloseable {
  private final CollectiveOptions options;
  private final TransportSettings settings;
  private final Driver driver;
  private final CommunicationThread thread;
  private final PeerAddress address;
  private AeronCollective collective;
  private boolean closed;

  private CollectiveEndpoint(
      CollectiveOptions options,
      TransportSettings settings,
      Driver driver,
      CommunicationThread thread,
      PeerAddress address) {
    this.options = options;
    this.settings = settings;
    this.driver = driver;
    this.thread = thread;
    this.address = address;
  }

  /**
   * Starts to listen.
   *
   * @throws SparktuneException {@code INVALID_SPEC} when options clash with each other or with the
   *     system's limits; {@code RESOURCES} when there is no room or no port
   */
  public static CollectiveEndpoint open(CollectiveOptions options) {
    TransportSettings settings = TransportSettings.conclude(options, SystemLimits.read());
    InetAddress host = HostIdentity.address(options.host());
    Path parent = DriverFolder.parent(options.directory());
    Path folder = options.externalDriver().orElseGet(() -> DriverFolder.create(parent));
    byte[] nonce = new byte[16];
    SecureRandom random = new SecureRandom();
    random.nextBytes(nonce);
    Driver driver =
        options.externalDriver().isPresent()
            ? Driver.attachExternal(folder, settings)
            : Driver.launch(folder, settings, options);
    try {
      int port = driver.listen(host.getHostAddress(), random.nextInt());
      PeerAddress address =
          new PeerAddress(
              HostIdentity.name(),
              host.getHostAddress(),
              port,
              HostIdentity.id(),
              folder.toString(),
              HexFormat.of().formatHex(nonce),
              DriverFolder.freeBytes(folder));
      CommunicationThread thread = new CommunicationThread(driver, "sparktune-communication");
      thread.start();
      return new CollectiveEndpoint(options, settings, driver, thread, address);
    } catch (RuntimeException e) {
      driver.close();
      throw e;
    }
  }

  /** Where the other ranks find this one: one line of text. */
  public String address() {
    return address.format();
  }

  /**
   * Connects the ranks; returns when all this one communicates with are there.
   *
   * @param rank this one's
   * @param addresses of all ranks, by rank
   * @param key the same on every rank
   * @return the collective; closing it closes this endpoint
   * @throws SparktuneException {@code PEER_LOST} when a rank cannot be reached within the connect
   *     timeout
   */
  public synchronized Collective connect(int rank, List<String> addresses, RunKey key) {
    if (closed || collective != null) {
      throw new IllegalStateException("an endpoint connects once");
    }
    if (addresses.size() == 1) {
      close();
      return new LocalCollective();
    }
    List<PeerAddress> peers = addresses.stream().map(PeerAddress::parse).toList();
    if (!peers.get(rank).equals(address)) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "Rank %d's address is %s, but %s was exchanged for it."
              .formatted(rank, address(), addresses.get(rank)),
          "Every endpoint connects with the rank under which its address was exchanged.");
    }
    RunCodes codes = new RunCodes(key);
    Plans plans = new Plans(rank, peers.size());
    Tally tally = new Tally();
    try {
      Session session =
          thread.join(
              () -> {
                Connector connector = new Connector(driver, options, rank, peers, codes, tally);
                List<Link> links = connector.links(plans.peers());
                return new Session(rank, peers, links, connector.clients(), settings, tally);
              });
      await(session);
      collective = new AeronCollective(this, plans, session, tally, options.wire());
      return collective;
    } catch (InterruptedException e) {
      close();
      Thread.currentThread().interrupt();
      throw new SparktuneException(
          ErrorCode.INTERRUPTED, "The thread was interrupted while ranks were connecting.", "", e);
    }
  }

  /** The communication thread has something to do. */
  void wake() {
    thread.wake();
  }

  /**
   * Says farewell and stops. Frames that were sent are delivered first, as far as that is possible
   * within a few seconds.
   */
  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      if (collective != null) {
        collective.leave();
      }
      thread.stop();
    }
  }

  /** Stops without a farewell, as a process does that is killed. */
  synchronized void kill() {
    closed = true;
    thread.stop();
  }

  private void await(Session session) throws InterruptedException {
    // The session itself gives up earlier; this only guards against a thread that is gone.
    boolean over =
        session.connected().await(settings.transportTimeoutNanos(), TimeUnit.NANOSECONDS);
    SparktuneException failure = session.failure();
    if (failure != null) {
      close();
      throw failure;
    }
    if (!over) {
      throw new IllegalStateException("the communication thread does not answer");
    }
  }
}
