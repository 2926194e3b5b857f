package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.Comparator;
import org.apache.spark.Partitioner;
import org.sparktune.pipeline.pair.Candidate;

/**
 * Where a response is.
 *
 * @param piece the piece of input
 * @param line its record's line there
 * @param index its place in the record
 * @param use tells its uses in several pairs apart
 */
record ResponsePlace(int piece, long line, int index, long use) implements Serializable {

  static ResponsePlace of(Candidate candidate, long use) {
    return new ResponsePlace(candidate.piece(), candidate.line(), candidate.index(), use);
  }

  /** As pieces are read. */
  static final class Order implements Comparator<ResponsePlace>, Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public int compare(ResponsePlace a, ResponsePlace b) {
      int byLine = Long.compare(a.line, b.line);
      if (byLine != 0) {
        return byLine;
      }
      int byIndex = Integer.compare(a.index, b.index);
      return byIndex != 0 ? byIndex : Long.compare(a.use, b.use);
    }
  }

  /** Sends a response's use to where its piece is read. */
  static final class ByPiece extends Partitioner {
    private static final long serialVersionUID = 1L;

    private final int pieces;

    ByPiece(int pieces) {
      this.pieces = pieces;
    }

    @Override
    public int numPartitions() {
      return pieces;
    }

    @Override
    public int getPartition(Object key) {
      return ((ResponsePlace) key).piece();
    }
  }
}
