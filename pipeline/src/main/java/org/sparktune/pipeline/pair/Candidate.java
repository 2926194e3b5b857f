package org.sparktune.pipeline.pair;

import java.io.DataInput;
import java.io.DataOutput;
import java.io.IOException;
import java.util.Comparator;

/**
 * A response that may become part of a pair: what is known of it, and where its text is.
 *
 * @param score its normalized score; NaN while only comparisons are known
 * @param hash of what it says
 * @param length of its text
 * @param source the number of its source
 * @param piece the piece of input that holds it
 * @param line its record's line there
 * @param index its place among the record's responses
 */
public record Candidate(
    double score, long hash, int length, int source, int piece, long line, int index) {

  /** By where they are. */
  static final Comparator<Candidate> BY_PLACE =
      Comparator.comparingInt(Candidate::piece)
          .thenComparingLong(Candidate::line)
          .thenComparingInt(Candidate::index);

  Candidate withScore(double other) {
    return new Candidate(other, hash, length, source, piece, line, index);
  }

  void write(DataOutput out) throws IOException {
    out.writeDouble(score);
    out.writeLong(hash);
    out.writeInt(length);
    out.writeInt(source);
    out.writeInt(piece);
    out.writeLong(line);
    out.writeInt(index);
  }

  static Candidate read(DataInput in) throws IOException {
    return new Candidate(
        in.readDouble(),
        in.readLong(),
        in.readInt(),
        in.readInt(),
        in.readInt(),
        in.readLong(),
        in.readInt());
  }
}
