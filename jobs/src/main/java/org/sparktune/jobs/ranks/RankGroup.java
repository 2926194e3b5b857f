package org.sparktune.jobs.ranks;

import java.util.ArrayList;
import java.util.List;
import java.util.SortedMap;
import java.util.TreeMap;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.jobs.doctor.Machine;
import org.sparktune.pipeline.spec.ClusterOptions;
import org.sparktune.trainer.collective.Collective;
import org.sparktune.trainer.collective.LocalCollective;
import org.sparktune.trainer.collective.aeron.CollectiveEndpoint;
import org.sparktune.trainer.collective.aeron.RunKey;
import org.sparktune.trainer.engine.choice.GpuChoice;

/**
 * The ranks of an attempt, as one of them sees them. They meet twice: at {@link #arrive}, before
 * anything is loaded, to see whether they run the same code and who shares a host; and at {@link
 * #join}, to see whether they loaded the same things and to open the collective. A rank that fails
 * in between comes to the second meeting to {@link #decline}.
 */
public final class RankGroup {
  private static final Logger LOG = LoggerFactory.getLogger(RankGroup.class);
  private static final String MEMORY = "available memory";
  private static final String ADDRESS = "address";

  private final Peers peers;
  private final RunTicket ticket;
  private final String host;
  private final Rendezvous rendezvous;

  /**
   * The group of an attempt.
   *
   * @param host the name or address by which the other ranks can reach this one; empty for the
   *     host's own
   */
  public RankGroup(Peers peers, RunTicket ticket, String host) {
    this.peers = peers;
    this.ticket = ticket;
    this.host = host;
    this.rendezvous = new Rendezvous(peers);
  }

  /** This rank, from 0. */
  public int rank() {
    return peers.rank();
  }

  /** How many there are. */
  public int ranks() {
    return peers.ranks();
  }

  /** How the ranks talk. */
  public ClusterOptions options() {
    return ticket.cluster();
  }

  /**
   * Meets the others before anything is loaded.
   *
   * @param task the fingerprint of the task with all its options
   * @param given what this rank's process may use
   * @return this rank's part of its host
   * @throws SparktuneException {@code MISMATCH} if the ranks or the driver run different code
   */
  public HostShare arrive(String task, RankResources given) {
    SortedMap<String, String> shared = new TreeMap<>();
    shared.put(RankFacts.CODE, CodeVersion.get());
    shared.put(RankFacts.JAVA, System.getProperty("java.specification.version"));
    shared.put(RankFacts.TASK, task);
    SortedMap<String, String> own = new TreeMap<>();
    own.put(MEMORY, Long.toString(Machine.availableMemoryBytes()));
    List<RankCard> cards = rendezvous.meet(shared, own);
    if (!CodeVersion.get().equals(ticket.code())) {
      throw new SparktuneException(
          ErrorCode.MISMATCH,
          "The driver runs the code %s, the executors run %s."
              .formatted(ticket.code(), CodeVersion.get()),
          "Start the driver and the executors with the same jars.");
    }
    return share(cards, given);
  }

  /**
   * Meets the others when everything is loaded, and opens the collective.
   *
   * @param shared what must be the same for all ranks, by {@link RankFacts}' names
   * @throws SparktuneException {@code MISMATCH} with both values, the failure of a rank that
   *     declined, or {@code PEER_LOST} when the ranks cannot reach each other
   */
  public Collective join(SortedMap<String, String> shared) {
    if (ranks() == 1) {
      rendezvous.meet(shared, new TreeMap<>());
      return new LocalCollective();
    }
    CollectiveEndpoint endpoint = open();
    try {
      SortedMap<String, String> own = new TreeMap<>();
      own.put(ADDRESS, endpoint.address());
      List<String> addresses = new ArrayList<>();
      for (RankCard card : rendezvous.meet(shared, own)) {
        addresses.add(card.own().get(ADDRESS));
      }
      RunKey key = new RunKey(ticket.runId(), ticket.attempt(), ticket.secret());
      return endpoint.connect(rank(), addresses, key);
    } catch (RuntimeException | Error e) {
      endpoint.close();
      throw e;
    }
  }

  private CollectiveEndpoint open() {
    try {
      return CollectiveEndpoint.open(CollectiveChoice.of(ticket.cluster(), host));
    } catch (SparktuneException e) {
      decline(e);
      throw e;
    }
  }

  /** Tells the others, who wait in {@link #join}, why this rank cannot take part. */
  public void decline(SparktuneException why) {
    rendezvous.decline(why);
  }

  private HostShare share(List<RankCard> cards, RankResources given) {
    RankCard mine = cards.get(rank());
    int onHost = 0;
    int inProcess = 0;
    int before = 0;
    long available = Long.MAX_VALUE;
    for (RankCard card : cards) {
      if (card.host().equals(mine.host())) {
        onHost++;
        before += card.rank() < mine.rank() ? 1 : 0;
        inProcess += card.process() == mine.process() ? 1 : 0;
        available = Math.min(available, Long.parseLong(card.own().get(MEMORY)));
      }
    }
    GpuChoice gpu = new GpuChoice(given.gpu(), before);
    if (given.gpu().isPresent()) {
      LOG.info("Rank {} of {} on {}: {}", rank(), ranks(), mine.host(), gpu);
    }
    int threads = HostShare.threads(given.cores(), onHost, inProcess);
    return new HostShare(onHost, threads, available / onHost, gpu);
  }
}
