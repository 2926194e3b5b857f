package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.ResponseSet;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;

/**
 * The responses of one piece, as a stream, for a pass before the one that makes documents. What is
 * refused is passed over: it is counted by {@link PieceTask}, which reads the piece again.
 */
final class ResponseScan implements Iterator<ResponseScan.Found> {

  /**
   * A record's responses.
   *
   * @param line the record's line in the piece
   */
  record Found(long line, ResponseSet set) {}

  private final PieceInput input;
  private final boolean pairs;
  private final PieceReader records;
  private final Verdicts duplicates;
  private final RecordStages stages;
  private Found next;
  private boolean finished;

  ResponseScan(
      PieceInput input, PrepareOptions options, Curation curation, Configuration configuration) {
    this.input = input;
    this.pairs = options.dataset().pairs().active();
    this.records =
        PieceReader.open(
            input.piece(),
            options.maximumLineBytes(),
            options.dataset().onCorrupt(),
            configuration);
    this.duplicates = new Verdicts(input.verdicts());
    this.stages = new RecordStages(input.piece().file(), curation);
  }

  @Override
  public boolean hasNext() {
    if (next == null && !finished) {
      next = advance();
    }
    return next != null;
  }

  @Override
  public Found next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Found result = next;
    next = null;
    return result;
  }

  private Found advance() {
    try {
      for (RawRecord record = records.next(); record != null; record = records.next()) {
        PieceTask.checkKilled();
        ResponseSet set = set(record);
        if (set != null) {
          return new Found(record.line(), set);
        }
      }
      records.close();
    } catch (IOException e) {
      throw PieceReader.damaged(input.piece().file().path(), e);
    }
    finished = true;
    return null;
  }

  /** The responses of a record, or null where it has none that count. */
  private ResponseSet set(RawRecord record) {
    if (duplicates.on(input.piece().index(), record.line()) != null) {
      return null;
    }
    try {
      return pairs ? stages.pairable(record) : stages.responses(record);
    } catch (RejectException refused) {
      return null;
    }
  }
}
