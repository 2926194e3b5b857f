package org.sparktune.pipeline.prepare;

import java.util.Iterator;
import org.sparktune.pipeline.deduplicate.Verdict;
import org.sparktune.pipeline.source.Piece;
import scala.Tuple2;

/**
 * A piece in the task that reads it.
 *
 * @param piece the piece
 * @param verdicts on its records, by record; null if there are none
 * @param sides the sides of pairs that it holds, by place; null where no pairs are made
 */
record PieceInput(
    Piece piece,
    Iterator<Tuple2<Long, Verdict>> verdicts,
    Iterator<Tuple2<ResponsePlace, PairSide>> sides) {

  PieceInput withSides(Iterator<Tuple2<ResponsePlace, PairSide>> found) {
    return new PieceInput(piece, verdicts, found);
  }
}
