package org.sparktune.jobs.ranks;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * Where the ranks of a run meet. At each meeting every rank shows a card; when the cards disagree,
 * or a rank says that it cannot take part, all ranks leave with the same sentence, so that none
 * waits for another.
 */
final class Rendezvous {
  private static final String HOST = hostName();

  /** What to do about a difference, by its name. */
  private static final Map<String, String> HINTS =
      Map.of(
          RankFacts.CODE, "Give every executor the same jars.",
          RankFacts.JAVA, "Start every executor with the same Java.",
          RankFacts.PRECISION, "Write 'precision: fp32' or 'precision: bf16' in hyperparams.",
          RankFacts.MODEL, "Put the same base model at this path of every host.",
          RankFacts.DATASET, "Let every host read the same prepared dataset.");

  private final Peers peers;

  Rendezvous(Peers peers) {
    this.peers = peers;
  }

  /**
   * Meets the others.
   *
   * @param shared what must be the same for all
   * @param own what is this rank's
   * @return every rank's card, by rank
   * @throws SparktuneException {@code MISMATCH} if the cards disagree, with both values; or the
   *     failure of a rank that cannot take part
   */
  List<RankCard> meet(SortedMap<String, String> shared, SortedMap<String, String> own) {
    List<RankCard> cards = exchange(card(shared, own, null));
    for (RankCard card : cards) {
      if (card.failure() != null) {
        throw new SparktuneException(
            card.failure().code(),
            peers.ranks() == 1
                ? card.failure().message()
                : "On %s: %s".formatted(card.where(), card.failure().message()),
            card.failure().hint());
      }
    }
    for (RankCard card : cards) {
      requireSame(cards.get(0), card);
    }
    return cards;
  }

  /** Comes to the meeting that the others wait in only to say why this rank cannot take part. */
  void decline(SparktuneException why) {
    exchange(card(new TreeMap<>(), new TreeMap<>(), RankCard.Failure.of(why)));
  }

  private RankCard card(
      SortedMap<String, String> shared, SortedMap<String, String> own, RankCard.Failure failure) {
    return new RankCard(peers.rank(), HOST, ProcessHandle.current().pid(), shared, own, failure);
  }

  private List<RankCard> exchange(RankCard card) {
    List<RankCard> cards = new ArrayList<>();
    for (String text : peers.exchange(card.write())) {
      cards.add(RankCard.parse(text));
    }
    return cards;
  }

  private static void requireSame(RankCard first, RankCard other) {
    for (String name : first.shared().keySet()) {
      String expected = first.shared().get(name);
      String found = other.shared().get(name);
      if (!expected.equals(found)) {
        throw new SparktuneException(
            ErrorCode.MISMATCH,
            "The ranks do not agree on the %s: %s has %s, %s has %s."
                .formatted(name, first.where(), expected, other.where(), found),
            HINTS.getOrDefault(name, "Every executor must be started alike."));
      }
    }
  }

  static String hostName() {
    try {
      return InetAddress.getLocalHost().getHostName();
    } catch (UnknownHostException e) {
      // The system's name is in no table; its loopback address names it as well as anything.
      return InetAddress.getLoopbackAddress().getHostName();
    }
  }
}
