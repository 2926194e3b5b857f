package org.sparktune.pipeline.prepare;

import java.util.Iterator;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.deduplicate.Verdict;
import scala.Tuple2;

/** The verdicts on one piece's records, which come in the order of lines; one is held at a time. */
final class Verdicts {
  private final Iterator<Tuple2<Long, Verdict>> sorted;
  private Verdict next;

  /**
   * @param sorted by record; null if there are none
   */
  Verdicts(Iterator<Tuple2<Long, Verdict>> sorted) {
    this.sorted = sorted;
    advance();
  }

  /**
   * The verdict on a record, or null if it stays.
   *
   * @param line not before that of the last call
   */
  Verdict on(int piece, long line) {
    long id = RecordId.of(piece, line);
    while (next != null && next.id() < id) {
      advance();
    }
    return next != null && next.id() == id ? next : null;
  }

  private void advance() {
    next = sorted != null && sorted.hasNext() ? sorted.next()._2() : null;
  }
}
