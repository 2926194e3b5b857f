package org.sparktune.trainer.optim;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.collective.Slices.Range;

/**
 * How the flat vectors are cut for communication: in the order in which a backward pass completes
 * gradients, the vector's end first. All bounds but the vector's end are multiples of {@link
 * Slices#ALIGNMENT}, so results don't depend on the cut.
 *
 * @param size length of the flat vectors
 * @param ranges the buckets; together they cover the vector
 */
public record Buckets(long size, List<Range> ranges) {
  /** Smaller buckets would cost more in messages than they gain in overlap. */
  static final long SMALLEST = 1 << 18;

  /** Larger ones gain nothing: one of them keeps any network busy for milliseconds. */
  static final long LARGEST = 1 << 24;

  /** A bucket may take this part of the free memory in buffers on its way. */
  static final int SHARE_OF_FREE_MEMORY = 64;

  private static final Pattern LAYER = Pattern.compile("^\\D*\\d+");

  /** Copies the ranges. */
  public Buckets {
    ranges = List.copyOf(ranges);
  }

  /** One bucket. */
  public static Buckets whole(long size) {
    return new Buckets(size, List.of(new Range(0, size)));
  }

  /**
   * Buckets of whole layers where memory is plentiful: as many layers as make a message worth its
   * while. Layers above a limit are cut; the limit follows free memory where that is tight.
   *
   * @param freeBytes memory that may be taken
   */
  public static Buckets of(ParameterLayout layout, long freeBytes) {
    long limit = limit(freeBytes);
    List<Range> ranges = new ArrayList<>();
    long to = layout.size();
    List<Long> starts = layerStarts(layout);
    for (int i = starts.size() - 1; i >= 0; i--) {
      long from = roundedUp(starts.get(i));
      if (to - from >= Math.min(SMALLEST, limit) || i == 0) {
        for (; to - from > limit; to = roundedUp(to - limit)) {
          ranges.add(new Range(roundedUp(to - limit), to));
        }
        if (to > from) {
          ranges.add(new Range(from, to));
        }
        to = from;
      }
    }
    return new Buckets(layout.size(), ranges);
  }

  /** Most elements of a bucket with so much free memory. */
  static long limit(long freeBytes) {
    long affordable = freeBytes / SHARE_OF_FREE_MEMORY / Float.BYTES;
    return Math.max(Slices.ALIGNMENT, roundedDown(Math.min(LARGEST, affordable)));
  }

  /** The choice in words, with its numbers. */
  public String describe(long freeBytes) {
    long largest = 0;
    for (Range range : ranges) {
      largest = Math.max(largest, range.size());
    }
    return String.format(
        Locale.ROOT,
        "%d gradient buckets of at most %.2f MiB: %.0f MiB are free, a bucket may take 1/%d of them"
            + " and %.0f MiB at most, whole layers from %.0f MiB on are not joined",
        ranges.size(),
        mebibytes(largest * Float.BYTES),
        mebibytes(freeBytes),
        SHARE_OF_FREE_MEMORY,
        mebibytes(LARGEST * Float.BYTES),
        mebibytes(SMALLEST * Float.BYTES));
  }

  private static double mebibytes(long bytes) {
    return bytes / (double) (1 << 20);
  }

  /** Where layers begin: parameters whose names agree up to their first number are one layer. */
  private static List<Long> layerStarts(ParameterLayout layout) {
    List<Long> starts = new ArrayList<>();
    String previous = null;
    for (ParameterLayout.Entry entry : layout.entries()) {
      Matcher matcher = LAYER.matcher(entry.name());
      String layer = matcher.find() ? matcher.group() : entry.name();
      if (!layer.equals(previous)) {
        starts.add(entry.offset());
        previous = layer;
      }
    }
    return starts;
  }

  private static long roundedUp(long offset) {
    return roundedDown(offset + Slices.ALIGNMENT - 1);
  }

  private static long roundedDown(long offset) {
    return offset / Slices.ALIGNMENT * Slices.ALIGNMENT;
  }
}
