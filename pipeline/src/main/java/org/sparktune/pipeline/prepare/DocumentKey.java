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
 */
record DocumentKey(int part, long order, int piece, long line) implements Serializable {

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
      return byPiece != 0 ? byPiece : Long.compare(a.line, b.line);
    }
  }
}
