package org.sparktune.pipeline.prepare;

import java.util.Iterator;
import java.util.NoSuchElementException;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import scala.Tuple2;

/**
 * Joins the two sides of pairs, which follow each other. A pair is left out and counted when a side
 * was refused, or when both together are longer than a row.
 */
final class JoinedPairs implements Iterator<Document> {
  /** Pairs of which a response could not be tokenized or did not fit. */
  static final String INCOMPLETE = "pairs.incomplete";

  /** Pairs that do not fit a row. */
  static final String TOO_LONG = "pairs.too_long";

  private final Iterator<Tuple2<DocumentKey, byte[]>> sides;
  private final int maximumTokens;
  private final Counters counters;
  private Tuple2<DocumentKey, byte[]> waiting;
  private Document next;

  JoinedPairs(Iterator<Tuple2<DocumentKey, byte[]>> sides, int maximumTokens, Counters counters) {
    this.sides = sides;
    this.maximumTokens = maximumTokens;
    this.counters = counters;
    advance();
  }

  @Override
  public boolean hasNext() {
    return next != null;
  }

  @Override
  public Document next() {
    if (next == null) {
      throw new NoSuchElementException();
    }
    Document result = next;
    advance();
    return result;
  }

  private void advance() {
    next = null;
    while (next == null && sides.hasNext()) {
      Tuple2<DocumentKey, byte[]> side = sides.next();
      if (waiting != null && waiting._1().pairsWith(side._1())) {
        next = join(Document.fromBytes(waiting._2()), Document.fromBytes(side._2()), side._1());
        waiting = null;
      } else {
        countWaiting();
        waiting = side;
      }
    }
    if (next == null) {
      countWaiting();
      waiting = null;
    }
  }

  private void countWaiting() {
    if (waiting != null) {
      counters.add(INCOMPLETE, 1);
    }
  }

  private Document join(Document chosen, Document rejected, DocumentKey key) {
    if (chosen.length() + rejected.length() > maximumTokens) {
      counters.add(TOO_LONG, 1);
      return null;
    }
    return Document.pair(chosen, rejected, chosen.margin()).from(key.piece(), key.line());
  }
}
