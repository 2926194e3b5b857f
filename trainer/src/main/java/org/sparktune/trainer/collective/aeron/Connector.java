package org.sparktune.trainer.collective.aeron;

import io.aeron.Aeron;
import io.aeron.Subscription;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Sets up a rank's links: for every peer it listens for two streams, and asks for two to the peer
 * in the driver that the medium wants. Which medium a stream takes is its sender's choice alone.
 */
final class Connector {
  /** A control frame is short. */
  private static final int CONTROL_MTU = 1408;

  private final Driver driver;
  private final CollectiveOptions options;
  private final int rank;
  private final List<PeerAddress> addresses;
  private final RunCodes codes;
  private final TermLengths terms;
  private final Tally tally;
  private final List<Aeron> clients = new ArrayList<>();

  Connector(
      Driver driver,
      CollectiveOptions options,
      int rank,
      List<PeerAddress> addresses,
      RunCodes codes,
      Tally tally) {
    this.driver = driver;
    this.options = options;
    this.rank = rank;
    this.addresses = addresses;
    this.codes = codes;
    this.terms = TermLengths.choose(options, addresses);
    this.tally = tally;
    if (!driver.isExternal()) {
      clients.add(driver.client());
    }
  }

  /** The clients that have to be called, because {@link Driver#work} does not. */
  List<Aeron> clients() {
    return clients;
  }

  /** A link to every peer, not yet connected. */
  List<Link> links(List<Integer> peers) {
    List<Link> links = new ArrayList<>();
    for (int peer : peers) {
      boolean shared = sharesMemory(peer);
      Aeron client = driver.client();
      if (shared && !addresses.get(peer).directory().equals(addresses.get(rank).directory())) {
        client = driver.attach(addresses.get(peer).directory());
        clients.add(client);
      }
      links.add(
          new Link(
              peer,
              outgoing(client, Lane.CONTROL, peer, shared),
              outgoing(client, Lane.DATA, peer, shared),
              incoming(Lane.CONTROL, peer),
              incoming(Lane.DATA, peer)));
    }
    return links;
  }

  private Outgoing outgoing(Aeron client, Lane lane, int peer, boolean shared) {
    int session = codes.sessionId(rank, peer, addresses.size());
    PeerAddress to = addresses.get(peer);
    String channel;
    if (shared) {
      int term = lane == Lane.DATA ? terms.ipc() : TransportSettings.SHORTEST_TERM;
      int mtu = lane == Lane.DATA ? terms.ipcMtu() : CONTROL_MTU;
      channel = "aeron:ipc?term-length=%d|mtu=%d|session-id=%d".formatted(term, mtu, session);
    } else {
      int term = lane == Lane.DATA ? terms.udp() : controlTerm();
      channel =
          "aeron:udp?endpoint=%s|term-length=%d|mtu=%d|session-id=%d"
              .formatted(to.endpoint(), term, options.mtuLength(), session);
    }
    return new Outgoing(
        client,
        channel,
        codes.streamId(lane),
        codes,
        rank,
        codes.proof(lane, rank, peer, to.nonce()),
        tally);
  }

  private Incoming incoming(Lane lane, int peer) {
    PeerAddress own = addresses.get(rank);
    int session = codes.sessionId(peer, rank, addresses.size());
    int stream = codes.streamId(lane);
    List<Subscription> subscriptions = new ArrayList<>();
    if (options.medium() != Medium.UDP) {
      subscriptions.add(driver.subscribeIpc(session, stream));
    }
    if (options.medium() != Medium.IPC) {
      subscriptions.add(driver.subscribeUdp(session, stream));
    }
    byte[] proof = codes.proof(lane, peer, rank, own.nonce());
    return new Incoming(subscriptions, codes, peer, proof, tally);
  }

  /** A control stream's buffers are as short as its frames allow. */
  private int controlTerm() {
    int term = TransportSettings.SHORTEST_TERM;
    while (term < 8 * options.mtuLength()) {
      term *= 2;
    }
    return term;
  }

  private boolean sharesMemory(int peer) {
    PeerAddress own = addresses.get(rank);
    PeerAddress other = addresses.get(peer);
    boolean possible =
        own.hostId().equals(other.hostId()) && Files.isReadable(Path.of(other.directory()));
    return switch (options.medium()) {
      case UDP -> false;
      case AUTO -> possible;
      case IPC -> {
        if (!possible) {
          throw new SparktuneException(
              ErrorCode.MISMATCH,
              "Rank %d on %s does not see the shared memory %s of rank %d on %s."
                  .formatted(rank, own.host(), other.directory(), peer, other.host()),
              "Use medium auto or udp for ranks of several hosts or containers.");
        }
        yield true;
      }
    };
  }
}
