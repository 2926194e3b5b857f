package org.sparktune.trainer.collective;

import java.util.ArrayList;
import java.util.List;

/**
 * Who adds what, and who owns what.
 *
 * <p>R ranks form G groups, G being the largest power of two that is not above R. The first R − G
 * groups are pairs, the others single ranks, in rank order:
 *
 * <pre>
 *   R = 6, G = 4     ranks   0 1 | 2 3 | 4 | 5
 *                    groups   0  |  1  | 2 | 3
 * </pre>
 *
 * The second rank of a pair first hands its vector to the first, its leader, which adds it: {@code
 * leader + follower}. Then the leaders halve recursively with distance 1, 2, 4 … (Rabenseifner
 * 2004): at distance d the leaders of groups g and g xor d exchange halves of the range that they
 * still share and add; the group whose bit d is clear keeps the lower half. So every element is
 * summed as
 *
 * <pre>
 *   ((v0 + v1) + (v2 + v3)) + (v4 + v5)
 * </pre>
 *
 * whoever is first to arrive, which is the fixed tree of {@code GradientTree} when each group owns
 * an aligned subtree and the ranks of a pair its two halves. Followers own nothing; group g's
 * leader owns the slice whose index is g with its bits reversed.
 */
public final class Slices {
  /**
   * Slices begin at multiples of this many elements, counted from their bucket's beginning, so that
   * arithmetic by blocks of this size gives the same bits whoever owns the block.
   */
  public static final int ALIGNMENT = 1024;

  private Slices() {}

  /**
   * Elements {@code from} to {@code to - 1}.
   *
   * @param from first element
   * @param to one past the last
   */
  public record Range(long from, long to) {
    /** The number of elements. */
    public long size() {
      return to - from;
    }

    /** The lower part when split for two groups; it is the larger one when they differ. */
    public Range lowerHalf() {
      return new Range(from, middle());
    }

    /** The upper part when split for two groups; empty when there is only one block. */
    public Range upperHalf() {
      return new Range(middle(), to);
    }

    private long middle() {
      long half = (size() + 1) / 2;
      return Math.min(to, from + (half + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
    }
  }

  /** How many groups there are: the largest power of two not above {@code ranks}. */
  public static int groups(int ranks) {
    return Integer.highestOneBit(ranks);
  }

  /** The group a rank belongs to. */
  public static int group(int rank, int ranks) {
    int pairs = ranks - groups(ranks);
    return rank < 2 * pairs ? rank / 2 : rank - pairs;
  }

  /** The rank that adds and owns for a group. */
  public static int leader(int group, int ranks) {
    int pairs = ranks - groups(ranks);
    return group < pairs ? 2 * group : group + pairs;
  }

  /** Whether a rank is the second of a pair. */
  public static boolean isFollower(int rank, int ranks) {
    return leader(group(rank, ranks), ranks) != rank;
  }

  /** What a rank owns of a bucket of so many elements; empty for a follower. */
  public static Range owned(int rank, int ranks, long length) {
    if (isFollower(rank, ranks)) {
      return new Range(0, 0);
    }
    int group = group(rank, ranks);
    Range range = new Range(0, length);
    for (int distance = 1; distance < groups(ranks); distance *= 2) {
      range = (group & distance) == 0 ? range.lowerHalf() : range.upperHalf();
    }
    return range;
  }

  /** What every rank owns of a bucket, by rank. */
  public static List<Range> all(int ranks, long length) {
    List<Range> owned = new ArrayList<>(ranks);
    for (int rank = 0; rank < ranks; rank++) {
      owned.add(owned(rank, ranks, length));
    }
    return owned;
  }

  /**
   * Which leaves of a step's fixed tree a rank computes: with W the power of two not below {@code
   * leaves}, group g owns leaves {@code [g·W/G, (g+1)·W/G)}, a pair's leader the first half of
   * them. Leaves beyond the last count as zero, so a rank may own none.
   *
   * @param leaves micro-batches of a full step
   */
  public static Range leaves(int rank, int ranks, int leaves) {
    int width = leaves <= 1 ? 1 : Integer.highestOneBit(leaves - 1) * 2;
    int groups = groups(ranks);
    int group = group(rank, ranks);
    boolean paired = group < ranks - groups;
    int shares = paired ? 2 * groups : groups;
    int share = paired ? 2 * group + (isFollower(rank, ranks) ? 1 : 0) : group;
    if (width >= shares) {
      int each = width / shares;
      return new Range((long) share * each, (long) (share + 1) * each);
    }
    // More shares than leaves: the first share of each leaf's subtree computes it.
    int sharesOfLeaf = shares / width;
    int leaf = share / sharesOfLeaf;
    return share % sharesOfLeaf == 0 ? new Range(leaf, leaf + 1L) : new Range(leaf, leaf);
  }
}
