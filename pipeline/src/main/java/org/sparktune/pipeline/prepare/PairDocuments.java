package org.sparktune.pipeline.prepare;

import java.util.Iterator;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.RawRecord;
import scala.Tuple2;

/**
 * The responses of a record that are in pairs become documents, one for each pair; a pair's two
 * documents meet in their part. Nothing is made of the others, but all are validated.
 */
final class PairDocuments implements DocumentMaker {
  private final RecordStages stages;
  private final SampleTokenizer tokenize;
  private final LengthFilter filter;
  private final Iterator<Tuple2<ResponsePlace, PairSide>> sides;
  private Tuple2<ResponsePlace, PairSide> next;

  /**
   * @param sides in the order of lines
   */
  PairDocuments(
      RecordStages stages,
      SampleTokenizer tokenize,
      LengthFilter filter,
      Iterator<Tuple2<ResponsePlace, PairSide>> sides) {
    this.stages = stages;
    this.tokenize = tokenize;
    this.filter = filter;
    this.sides = sides;
    advance();
  }

  @Override
  public void make(RawRecord record, Counters counters, Out out) throws RejectException {
    ResponseSet set = stages.pairable(record);
    while (next != null && next._1().line() < record.line()) {
      advance();
    }
    while (next != null && next._1().line() == record.line()) {
      int index = next._1().index();
      Document document = document(set.responses().get(index), counters, out);
      while (next != null && next._1().line() == record.line() && next._1().index() == index) {
        if (document != null) {
          out.document(next._2().key(), document.withMargin(next._2().margin()));
        }
        advance();
      }
    }
  }

  /** The document of a response, or null when it is refused. */
  private Document document(ResponseSet.Response response, Counters counters, Out out) {
    try {
      return filter.apply(tokenize.tokenize(stages.clean(response.sample(), counters)));
    } catch (RejectException e) {
      out.reject(e);
      return null;
    }
  }

  private void advance() {
    next = sides.hasNext() ? sides.next() : null;
  }
}
