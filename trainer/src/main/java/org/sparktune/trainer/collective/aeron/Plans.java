package org.sparktune.trainer.collective.aeron;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.collective.Slices;

/**
 * Which exchanges a rank makes for an operation, one after the other. Reductions halve recursively,
 * gathers double, as {@link Slices} describes; sums of a few numbers exchange whole vectors;
 * broadcasts go down a binomial tree. Only leaders whose groups differ in one bit, and the two of a
 * pair, ever meet.
 */
final class Plans {
  private static final Slices.Range NOTHING = new Slices.Range(0, 0);

  private final int rank;
  private final int ranks;
  private final int group;
  private final int groups;
  private final boolean follower;

  Plans(int rank, int ranks) {
    this.rank = rank;
    this.ranks = ranks;
    this.group = Slices.group(rank, ranks);
    this.groups = Slices.groups(ranks);
    this.follower = Slices.isFollower(rank, ranks);
  }

  int rank() {
    return rank;
  }

  int ranks() {
    return ranks;
  }

  /** Everyone this rank ever exchanges something with, ascending. */
  List<Integer> peers() {
    List<Integer> peers = new ArrayList<>();
    if (pairPeer() >= 0) {
      peers.add(pairPeer());
    }
    for (int distance = 1; !follower && distance < groups; distance *= 2) {
      peers.add(leader(group ^ distance));
    }
    peers.sort(null);
    return peers;
  }

  /**
   * Sums a bucket.
   *
   * @param bucket address of its first element
   * @param length its elements
   * @param errors address of as many floats that remember what rounding to the wire's type took, or
   *     0 to send floats as they are
   */
  List<Exchange> reduceScatter(long bucket, long length, long errors) {
    Content content = errors == 0 ? Content.F32 : Content.F32_AS_BF16;
    List<Exchange> exchanges = new ArrayList<>();
    Slices.Range range = new Slices.Range(0, length);
    if (follower) {
      exchanges.add(swap(pairPeer(), content, bucket, range, NOTHING, false, errors));
      return exchanges;
    }
    if (pairPeer() >= 0) {
      exchanges.add(swap(pairPeer(), content, bucket, NOTHING, range, true, errors));
    }
    for (int distance = 1; distance < groups; distance *= 2) {
      boolean low = (group & distance) == 0;
      Slices.Range kept = low ? range.lowerHalf() : range.upperHalf();
      Slices.Range given = low ? range.upperHalf() : range.lowerHalf();
      exchanges.add(swap(leader(group ^ distance), content, bucket, given, kept, true, errors));
      range = kept;
    }
    return exchanges;
  }

  /** Brings every slice to all. */
  List<Exchange> allGather(long bucket, long length) {
    List<Exchange> exchanges = new ArrayList<>();
    Slices.Range whole = new Slices.Range(0, length);
    if (follower) {
      exchanges.add(receive(pairPeer(), bucket, whole));
      return exchanges;
    }
    for (int distance = groups / 2; distance >= 1; distance /= 2) {
      Slices.Range parent = shared(distance, length);
      boolean low = (group & distance) == 0;
      Slices.Range mine = low ? parent.lowerHalf() : parent.upperHalf();
      Slices.Range other = low ? parent.upperHalf() : parent.lowerHalf();
      exchanges.add(swap(leader(group ^ distance), Content.F32, bucket, mine, other, false, 0));
    }
    if (pairPeer() >= 0) {
      exchanges.add(send(pairPeer(), bucket, whole));
    }
    return exchanges;
  }

  /** Copies a bucket from one rank to all. */
  List<Exchange> broadcast(long bucket, long length, int root) {
    List<Exchange> exchanges = new ArrayList<>();
    Slices.Range whole = new Slices.Range(0, length);
    if (follower) {
      exchanges.add(
          rank == root ? send(pairPeer(), bucket, whole) : receive(pairPeer(), bucket, whole));
      return exchanges;
    }
    if (pairPeer() == root && root >= 0) {
      exchanges.add(receive(root, bucket, whole));
    }
    int rootGroup = Slices.group(root, ranks);
    int place = group ^ rootGroup;
    for (int distance = 1; distance < groups; distance *= 2) {
      int peer = leader(group ^ distance);
      if (place < distance) {
        exchanges.add(send(peer, bucket, whole));
      } else if (place < 2 * distance) {
        exchanges.add(receive(peer, bucket, whole));
      }
    }
    if (pairPeer() >= 0 && pairPeer() != root) {
      exchanges.add(send(pairPeer(), bucket, whole));
    }
    return exchanges;
  }

  /**
   * Sums longs.
   *
   * @param sums address of the numbers, replaced by their sums
   * @param copy address of as much room, for what is being sent
   */
  List<Exchange> sum(long sums, long copy, long count) {
    List<Exchange> exchanges = new ArrayList<>();
    if (follower) {
      exchanges.add(longs(pairPeer(), sums, count, 0, 0, false, 0));
      exchanges.add(longs(pairPeer(), 0, 0, sums, count, false, 0));
      return exchanges;
    }
    if (pairPeer() >= 0) {
      exchanges.add(longs(pairPeer(), 0, 0, sums, count, true, 0));
    }
    for (int distance = 1; distance < groups; distance *= 2) {
      exchanges.add(longs(leader(group ^ distance), copy, count, sums, count, true, sums));
    }
    if (pairPeer() >= 0) {
      exchanges.add(longs(pairPeer(), sums, count, 0, 0, false, 0));
    }
    return exchanges;
  }

  /** The range that the groups which differ in bit {@code distance} and above still share. */
  private Slices.Range shared(int distance, long length) {
    Slices.Range range = new Slices.Range(0, length);
    for (int bit = 1; bit < distance; bit *= 2) {
      range = (group & bit) == 0 ? range.lowerHalf() : range.upperHalf();
    }
    return range;
  }

  private int leader(int ofGroup) {
    return Slices.leader(ofGroup, ranks);
  }

  /** The other rank of this one's pair, or -1. */
  private int pairPeer() {
    if (follower) {
      return rank - 1;
    }
    return group < ranks - groups ? rank + 1 : -1;
  }

  private static Exchange send(int peer, long bucket, Slices.Range range) {
    return swap(peer, Content.F32, bucket, range, NOTHING, false, 0);
  }

  private static Exchange receive(int peer, long bucket, Slices.Range range) {
    return swap(peer, Content.F32, bucket, NOTHING, range, false, 0);
  }

  private static Exchange swap(
      int peer,
      Content content,
      long bucket,
      Slices.Range sent,
      Slices.Range received,
      boolean accumulates,
      long errors) {
    long bytes = content.memoryBytes();
    return new Exchange(
        peer,
        content,
        bucket + sent.from() * bytes,
        sent.size(),
        bucket + received.from() * bytes,
        received.size(),
        accumulates,
        0,
        errors == 0 ? 0 : errors + sent.from() * bytes);
  }

  private static Exchange longs(
      int peer,
      long sendAddress,
      long sendCount,
      long receiveAddress,
      long receiveCount,
      boolean accumulates,
      long snapshotOf) {
    return new Exchange(
        peer,
        Content.I64,
        sendAddress,
        sendCount,
        receiveAddress,
        receiveCount,
        accumulates,
        snapshotOf,
        0);
  }
}
