package org.sparktune.pipeline.prepare;

import java.io.IOException;
import java.util.Iterator;
import java.util.NoSuchElementException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.sql.Row;
import org.apache.spark.sql.RowFactory;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.deduplicate.TextFingerprint;
import org.sparktune.pipeline.sample.Counters;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;

/**
 * The fingerprints of one piece's records, as a stream; records that a stage refuses have none.
 * What is refused here is counted by {@link PieceTask}, which reads the piece again.
 */
final class FingerprintTask implements Iterator<Row> {
  private final Piece piece;
  private final PieceReader records;
  private final RecordStages stages;
  private final TextFingerprint fingerprint;
  private final Counters uncounted = new Counters();

  private Row next;
  private boolean finished;

  FingerprintTask(
      Piece piece, PrepareOptions options, Curation curation, Configuration configuration) {
    this.piece = piece;
    this.records =
        PieceReader.open(
            piece, options.maximumLineBytes(), options.dataset().onCorrupt(), configuration);
    this.stages = new RecordStages(piece.file(), curation);
    this.fingerprint = new TextFingerprint(options.dataset().deduplicate());
  }

  @Override
  public boolean hasNext() {
    if (next == null && !finished) {
      next = advance();
    }
    return next != null;
  }

  @Override
  public Row next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Row result = next;
    next = null;
    return result;
  }

  private Row advance() {
    try {
      for (RawRecord record = records.next(); record != null; record = records.next()) {
        PieceTask.checkKilled();
        Row row = row(record);
        if (row != null) {
          return row;
        }
      }
      records.close();
    } catch (IOException e) {
      throw PieceReader.damaged(piece.file().path(), e);
    }
    finished = true;
    return null;
  }

  /** A record's fingerprint, or null for one that is refused. */
  private Row row(RawRecord record) {
    try {
      TextFingerprint.Value value = fingerprint.of(stages.apply(record, uncounted));
      return RowFactory.create(
          RecordId.of(piece.index(), record.line()), value.high(), value.low(), value.signature());
    } catch (RejectException refused) {
      return null;
    }
  }
}
