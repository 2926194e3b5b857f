package org.sparktune.pipeline.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.util.ArrayDeque;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.deduplicate.Verdict;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;
import scala.Tuple2;

/**
 * One piece of input as a stream of documents: read → leave out duplicates → make documents (see
 * {@link DocumentMaker}). After the last document comes what was counted.
 */
final class PieceTask implements Iterator<Tuple2<DocumentKey, byte[]>> {
  private static final int EXCERPT = 2000;

  private final Piece piece;
  private final PartLayout layout;
  private final PieceReader records;
  private final Verdicts duplicates;
  private final DocumentMaker maker;
  private final PieceStatistics statistics = new PieceStatistics();
  private final ArrayDeque<Tuple2<DocumentKey, byte[]>> made = new ArrayDeque<>();
  private boolean finished;

  /**
   * @param maker what is made of a record
   */
  PieceTask(
      PieceInput input,
      PrepareOptions options,
      PartLayout layout,
      DocumentMaker maker,
      Configuration configuration) {
    this.piece = input.piece();
    this.layout = layout;
    this.records =
        PieceReader.open(
            piece, options.maximumLineBytes(), options.dataset().onCorrupt(), configuration);
    this.duplicates = new Verdicts(input.verdicts());
    this.maker = maker;
  }

  @Override
  public boolean hasNext() {
    while (made.isEmpty() && !finished) {
      advance();
    }
    return !made.isEmpty();
  }

  @Override
  public Tuple2<DocumentKey, byte[]> next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    return made.removeFirst();
  }

  /** Goes on by a record. */
  private void advance() {
    try {
      RawRecord record = records.next();
      if (record != null) {
        checkKilled();
        statistics.addRecord();
        make(record);
        return;
      }
      statistics.setLines(piece.index(), records.lines());
      if (records.damage() != null) {
        statistics.addDamage(
            piece.index(), new PieceStatistics.Damage(records.damage(), statistics.records()));
      }
      records.close();
    } catch (IOException e) {
      throw PieceReader.damaged(piece.file().path(), e);
    }
    finished = true;
    made.add(
        new Tuple2<>(
            new DocumentKey(layout.statisticsPartition(), 0, piece.index(), 0),
            toBytes(statistics)));
  }

  private void make(RawRecord record) {
    Verdict verdict = duplicates.on(piece.index(), record.line());
    if (verdict != null) {
      leaveOut(record, verdict);
      return;
    }
    try {
      maker.make(
          record,
          statistics.counters(),
          new DocumentMaker.Out() {
            @Override
            public void document(DocumentKey key, Document document) {
              made.add(new Tuple2<>(key, document.toBytes()));
            }

            @Override
            public void reject(RejectException problem) {
              PieceTask.this.reject(record, problem, PieceStatistics.NO_RECORD);
            }
          });
    } catch (RejectException e) {
      reject(record, e, PieceStatistics.NO_RECORD);
    }
  }

  /** Spark looks at its kill flag between pieces only, and a piece takes seconds. */
  static void checkKilled() {
    TaskContext task = TaskContext.get();
    if (task != null && task.isInterrupted()) {
      throw new CancellationException("The job was ended");
    }
  }

  private void leaveOut(RawRecord record, Verdict verdict) {
    boolean known = RecordId.isKnown(verdict.duplicateOf());
    String detail = verdict.near() ? "nearly the same as " : "the same as ";
    reject(
        record,
        new RejectException(
            verdict.reason(), detail + (known ? "a record of an earlier dataset" : "")),
        known ? PieceStatistics.NO_RECORD : verdict.duplicateOf());
  }

  private void reject(RawRecord record, RejectException problem, long other) {
    statistics.addReject(problem.reason());
    if (statistics.wantsExample(problem.reason())) {
      String text = record.excerpt() == null ? json(record.value()) : record.excerpt();
      statistics.addExample(
          new PieceStatistics.Example(
              problem.reason(),
              piece.index(),
              record.line(),
              problem.getMessage(),
              text.substring(0, Math.min(EXCERPT, text.length())),
              other));
    }
  }

  private static String json(Object value) {
    try {
      return JsonValues.write(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("What was read as JSON can be written", e);
    }
  }

  private static byte[] toBytes(PieceStatistics statistics) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(bytes)) {
      out.writeObject(statistics);
    } catch (IOException e) {
      throw new IllegalStateException("Writing to memory failed", e);
    }
    return bytes.toByteArray();
  }

  static PieceStatistics statistics(byte[] bytes) {
    try (ObjectInputStream in = new ObjectInputStream(new ByteArrayInputStream(bytes))) {
      return (PieceStatistics) in.readObject();
    } catch (IOException | ClassNotFoundException e) {
      throw new IllegalStateException("A task's statistics cannot be read back", e);
    }
  }
}
