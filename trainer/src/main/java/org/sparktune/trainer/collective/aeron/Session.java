package org.sparktune.trainer.collective.aeron;

import io.aeron.Aeron;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CountDownLatch;
import org.sparktune.core.SparktuneException;

/**
 * A rank's part in one attempt at a run: connects its links, carries out operations in order,
 * notices who is lost and passes it on, says farewell. Everything but the queues and flags is
 * touched by the communication thread alone.
 */
final class Session {
  /** How long other ranks may take to read a farewell or an abort, at most. */
  private static final long LONGEST_FAREWELL_NANOS = 5_000_000_000L;

  private static final long ABORT_LINGER_NANOS = 300_000_000L;

  /** A turn that comes so much later than the last one means that this process did not run. */
  private static final long PAUSE_NANOS = 100_000_000L;

  private static final long CLIENT_INTERVAL_NANOS = 5_000_000L;

  private final int rank;
  private final List<PeerAddress> addresses;
  private final List<Link> links;
  private final List<Aeron> clients;
  private final TransportSettings settings;
  private final ExchangeRun run;
  private final Queue<Operation> submitted = new ConcurrentLinkedQueue<>();
  private final Queue<Operation> operations = new ArrayDeque<>();
  private final CountDownLatch connected = new CountDownLatch(1);
  private final CountDownLatch left = new CountDownLatch(1);
  private volatile PeerFailure failure;
  private volatile PeerFailure abortRequest;
  private volatile boolean leaveRequested;
  private volatile long step;

  private boolean isConnected;
  private int exchangeIndex;
  private boolean exchangeRuns;
  private long lastTurnNanos;
  private long lastClientNanos;
  private long connectDeadline;
  private long leaveDeadline;

  /**
   * @param addresses of all ranks
   * @param links to this rank's peers
   * @param clients whose conductors have to be called
   */
  Session(
      int rank,
      List<PeerAddress> addresses,
      List<Link> links,
      List<Aeron> clients,
      TransportSettings settings,
      Tally tally) {
    this.rank = rank;
    this.addresses = List.copyOf(addresses);
    this.links = List.copyOf(links);
    this.clients = List.copyOf(clients);
    this.settings = settings;
    this.run = new ExchangeRun(tally);
    this.lastTurnNanos = System.nanoTime();
    this.connectDeadline = lastTurnNanos + settings.connectTimeoutNanos();
  }

  /** Released when the ranks are connected, or have failed to. */
  CountDownLatch connected() {
    return connected;
  }

  /** Released when the farewell is over. */
  CountDownLatch left() {
    return left;
  }

  /** Says which step the ranks are at. */
  void beginStep(long value) {
    step = value;
  }

  long step() {
    return step;
  }

  /** Queues an operation. */
  void submit(Operation operation) {
    submitted.add(operation);
  }

  /** Gives up, and tells the others. */
  void abort(String reason) {
    abortRequest = new PeerFailure(rank, step, "gave up: " + reason);
  }

  /** Begins the farewell. */
  void leave() {
    leaveRequested = true;
  }

  /** Whether an operation is under way or waiting. */
  boolean isBusy() {
    return !operations.isEmpty() || !submitted.isEmpty() || !isConnected;
  }

  /** The failure that ended the session, or null. */
  SparktuneException failure() {
    PeerFailure current = failure;
    if (current == null) {
      return null;
    }
    boolean known = current.rank() >= 0 && current.rank() < addresses.size();
    return current.exception(known ? addresses.get(current.rank()).host() : "an unknown host");
  }

  /** One turn; returns how much was done. */
  int work(long nowNanos) {
    forgivePause(nowNanos);
    int count = callClients(nowNanos);
    if (!isConnected) {
      connect(nowNanos);
    } else {
      for (int i = 0; i < links.size(); i++) {
        count += links.get(i).pollControl(nowNanos);
      }
    }
    if (abortRequest != null) {
      fail(abortRequest);
    }
    if (isConnected) {
      count += operate(nowNanos);
      watch(nowNanos);
    }
    failWaiting();
    if (leaveRequested && left.getCount() > 0) {
      leave(nowNanos);
    }
    return count;
  }

  /** Ends everything that waits: the communication thread stops. */
  void stop(String reason) {
    fail(new PeerFailure(rank, step, reason));
    failWaiting();
    left.countDown();
  }

  /** Lets go of the other ranks' drivers. */
  void closeClients() {
    for (Aeron client : clients) {
      client.close();
    }
  }

  private void forgivePause(long nowNanos) {
    long pause = nowNanos - lastTurnNanos;
    if (pause > PAUSE_NANOS) {
      for (Link link : links) {
        link.forgive(pause);
      }
      connectDeadline += pause;
    }
    lastTurnNanos = nowNanos;
  }

  private int callClients(long nowNanos) {
    if (isConnected && nowNanos - lastClientNanos < CLIENT_INTERVAL_NANOS) {
      return 0;
    }
    lastClientNanos = nowNanos;
    int count = 0;
    for (int i = 0; i < clients.size(); i++) {
      count += clients.get(i).conductorAgentInvoker().invoke();
    }
    return count;
  }

  private void connect(long nowNanos) {
    Link missing = null;
    for (int i = 0; i < links.size(); i++) {
      if (!links.get(i).connect(nowNanos)) {
        missing = links.get(i);
      }
    }
    if (missing == null) {
      isConnected = true;
      connected.countDown();
    } else if (nowNanos - connectDeadline > 0) {
      String reason =
          "(%s) could not be connected within %s"
              .formatted(
                  addresses.get(missing.peer()).endpoint(),
                  seconds(settings.connectTimeoutNanos()));
      fail(new PeerFailure(missing.peer(), step, reason));
    }
  }

  private int operate(long nowNanos) {
    takeSubmitted();
    int count = 0;
    while (failure == null && !operations.isEmpty()) {
      Operation operation = operations.peek();
      if (exchangeIndex == operation.exchanges().size()) {
        operations.remove();
        exchangeIndex = 0;
        operation.succeed();
        continue;
      }
      if (!exchangeRuns) {
        run.begin(operation, exchangeIndex, link(operation.exchanges().get(exchangeIndex).peer()));
        exchangeRuns = true;
      }
      int done = run.work(nowNanos);
      count += done;
      if (run.problem() != null) {
        fail(new PeerFailure(run.peer(), step, run.problem()));
      } else if (run.isDone()) {
        exchangeRuns = false;
        exchangeIndex++;
        count++;
      } else {
        checkPartner(done);
        break;
      }
    }
    return count;
  }

  /** A partner that has closed will neither send nor read what this exchange still needs. */
  private void checkPartner(int done) {
    if (done == 0 && link(run.peer()).isExhausted()) {
      fail(
          new PeerFailure(
              run.peer(), step, "closed its collective while rank " + rank + " needs it"));
    }
  }

  private void watch(long nowNanos) {
    for (int i = 0; i < links.size(); i++) {
      Link link = links.get(i);
      if (link.reported() != null) {
        fail(link.reported());
      } else if (link.isBroken()) {
        fail(new PeerFailure(link.peer(), step, "has gone without a word"));
      } else if (!link.hasLeft() && link.silenceNanos(nowNanos) > settings.peerTimeoutNanos()) {
        String reason = "has not been heard of for " + seconds(settings.peerTimeoutNanos());
        fail(new PeerFailure(link.peer(), step, reason));
      }
      link.sendControl(nowNanos, settings.heartbeatNanos(), step, failure);
    }
  }

  /** The first failure counts; it is passed on to every peer, and by them to theirs. */
  private void fail(PeerFailure why) {
    if (failure != null) {
      return;
    }
    failure = why;
    for (Link link : links) {
      link.announce();
    }
    connected.countDown();
  }

  private void failWaiting() {
    if (failure == null) {
      return;
    }
    takeSubmitted();
    Operation operation;
    while ((operation = operations.poll()) != null) {
      operation.fail(failure());
    }
  }

  private void takeSubmitted() {
    Operation operation;
    while ((operation = submitted.poll()) != null) {
      operations.add(operation);
    }
  }

  private void leave(long nowNanos) {
    if (leaveDeadline == 0) {
      long longest = Math.min(LONGEST_FAREWELL_NANOS, settings.peerTimeoutNanos());
      leaveDeadline = nowNanos + (failure == null ? longest : ABORT_LINGER_NANOS);
    }
    boolean over = isConnected && operations.isEmpty() && submitted.isEmpty();
    for (int i = 0; i < links.size() && over; i++) {
      Link link = links.get(i);
      over = failure == null ? link.leave(step) : !link.isAnnouncing();
    }
    if (failure != null ? nowNanos - leaveDeadline > 0 : over || nowNanos - leaveDeadline > 0) {
      left.countDown();
    }
  }

  private Link link(int peer) {
    for (int i = 0; i < links.size(); i++) {
      if (links.get(i).peer() == peer) {
        return links.get(i);
      }
    }
    throw new IllegalStateException("rank %d never meets rank %d".formatted(rank, peer));
  }

  private static String seconds(long nanos) {
    return Duration.ofNanos(nanos).toMillis() / 1000.0 + " s";
  }
}
