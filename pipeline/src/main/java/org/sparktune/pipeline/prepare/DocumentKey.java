package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.Comparator;

/**
 * Where a document goes. None of it depends on how many tasks or hosts there are.
 *
 * @param part the number of the part among all parts
 * @param order its place in the part; a random number when documents are shuffled
 * @param piece the piece of input it comes from
 * @param line its line there
 * @param member its place among the documents of that line; the two sides of a pair follow each
 *     other, so that they differ in the last bit only
 */
record DocumentKey(int part, long order, int piece, long line, int member) implements Serializable {

  /** The only document of a line. */
  DocumentKey(int part, long order, int piece, long line) {
    this(part, order, piece, line, 0);
  }

  /** The same place for another document of the line. */
  DocumentKey withMember(int other) {
    return new DocumentKey(part, order, piece, line, other);
  }

  /** Whether it is the other side of the same pair. */
  boolean pairsWith(DocumentKey other) {
    return order == other.order
        && piece == other.piece
        && line == other.line
        && (member ^ other.member) == 1;
  }

  /** By place; the origin decides among equals. */
  static final class Order implements Comparator<DocumentKey>, Serializable {
    private static final long serialVersionUID = 1L;

    @Override
    public int compare(DocumentKey a, DocumentKey b) {
      int byOrder = Long.compareUnsigned(a.order, b.order);
      if (byOrder != 0) {
        return byOrder;
      }
      int byPiece = Integer.compare(a.piece, b.piece);
      if (byPiece != 0) {
        return byPiece;
      }
      int byLine = Long.compare(a.line, b.line);
      return byLine != 0 ? byLine : Integer.compare(a.member, b.member);
    }
  }
}
