package org.sparktune.pipeline.pair;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Comparator;

/**
 * A comparison of two responses.
 *
 * @param first one of them
 * @param second the other
 * @param outcome 1 where the first is better, 0 where the second is, ½ for a tie
 * @param number its place among the record's comparisons
 */
public record Contest(Candidate first, Candidate second, double outcome, int number) {

  /** By where they were written down. */
  static final Comparator<Contest> BY_PLACE =
      Comparator.<Contest>comparingInt(contest -> contest.first().piece())
          .thenComparingLong(contest -> contest.first().line())
          .thenComparingInt(Contest::number);

  void write(DataOutput out) throws IOException {
    first.write(out);
    second.write(out);
    out.writeDouble(outcome);
    out.writeInt(number);
  }

  static Contest read(DataInput in) throws IOException {
    return new Contest(Candidate.read(in), Candidate.read(in), in.readDouble(), in.readInt());
  }
}
