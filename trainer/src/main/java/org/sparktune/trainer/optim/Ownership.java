package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;

/**
 * What a rank owns of the flat vectors under ZeRO-1 (Rajbhandari et al. 2020, section 5): a slice
 * of every bucket. Optimizer state is held for these slices only, one after the other by place.
 *
 * @param size length of the flat vectors
 * @param slices what is owned of each bucket, in the buckets' order; may be empty
 * @param ranges the slices by place, those that touch joined
 */
public record Ownership(long size, List<Slice> slices, List<Range> ranges) {

  /**
   * What is owned of a bucket.
   *
   * @param range in the flat vectors
   * @param stateOffset where its state begins in vectors of the owned ranges
   */
  public record Slice(Range range, long stateOffset) {}

  /** Copies the lists. */
  public Ownership {
    slices = List.copyOf(slices);
    ranges = List.copyOf(ranges);
  }

  /** What a rank owns. */
  public static Ownership of(Buckets buckets, int rank, int ranks) {
    List<Range> owned = new ArrayList<>();
    for (Range bucket : buckets.ranges()) {
      Range slice = Slices.owned(rank, ranks, bucket.size());
      owned.add(new Range(bucket.from() + slice.from(), bucket.from() + slice.to()));
    }
    List<Range> joined = joined(owned);
    List<Slice> slices = new ArrayList<>();
    for (Range range : owned) {
      slices.add(new Slice(range, stateOffset(joined, range)));
    }
    return new Ownership(buckets.size(), slices, joined);
  }

  /** Owner of everything, in one slice. */
  public static Ownership whole(long size) {
    return of(Buckets.whole(size), 0, 1);
  }

  /** How many elements are owned. */
  public long ownedSize() {
    long owned = 0;
    for (Range range : ranges) {
      owned += range.size();
    }
    return owned;
  }

  private static List<Range> joined(List<Range> owned) {
    List<Range> byPlace = new ArrayList<>(owned);
    byPlace.sort(Comparator.comparingLong(Range::from));
    List<Range> joined = new ArrayList<>();
    for (Range range : byPlace) {
      int last = joined.size() - 1;
      if (range.size() == 0) {
        continue;
      }
      if (last >= 0 && joined.get(last).to() == range.from()) {
        joined.set(last, new Range(joined.get(last).from(), range.to()));
      } else {
        joined.add(range);
      }
    }
    return joined;
  }

  private static long stateOffset(List<Range> joined, Range slice) {
    long offset = 0;
    for (Range range : joined) {
      if (slice.from() >= range.from() && slice.to() <= range.to()) {
        return offset + slice.from() - range.from();
      }
      offset += range.size();
    }
    return offset;
  }
}
