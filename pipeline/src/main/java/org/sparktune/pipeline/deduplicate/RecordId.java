package org.sparktune.pipeline.deduplicate;

/**
 * A record's place as one number, in the order of the sources: piece and line. Records of earlier
 * datasets have negative ones, so that they come first.
 */
public final class RecordId {
  private static final int LINE_BITS = 40;

  private RecordId() {}

  /** The number of a record of this input. */
  public static long of(int piece, long line) {
    return ((long) piece << LINE_BITS) | line;
  }

  /** The piece of input. */
  public static int piece(long id) {
    return (int) (id >>> LINE_BITS);
  }

  /** The line in the piece, from 0. */
  public static long line(long id) {
    return id & ((1L << LINE_BITS) - 1);
  }

  /** Whether it is a record of an earlier dataset. */
  public static boolean isKnown(long id) {
    return id < 0;
  }

  /** The number of a record of an earlier dataset, by its text's hash. */
  static long known(long hash) {
    return hash | Long.MIN_VALUE;
  }
}
