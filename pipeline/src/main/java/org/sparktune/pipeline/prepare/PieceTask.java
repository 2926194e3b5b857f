package org.sparktune.pipeline.prepare;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.ObjectInputStream;
import java.io.ObjectOutputStream;
import java.io.Serializable;
import java.util.Iterator;
import java.util.NoSuchElementException;
import java.util.concurrent.CancellationException;
import org.apache.hadoop.conf.Configuration;
import org.apache.spark.TaskContext;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.deduplicate.Verdict;
import org.sparktune.pipeline.sample.ContentHash;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.sample.LengthFilter;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.Sample;
import org.sparktune.pipeline.sample.SampleTokenizer;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;
import org.sparktune.pipeline.spec.DatasetOptions;
import scala.Tuple2;

/**
 * The stages of one piece of input, as a stream: read → leave out duplicates → validate → clean →
 * decontaminate → template and tokenize → filter by length → split. After the last document comes
 * what was counted.
 */
final class PieceTask implements Iterator<Tuple2<DocumentKey, byte[]>> {
  private static final int EXCERPT = 2000;

  /** Makes the task of a piece where the piece is read. */
  interface Maker extends Serializable {
    /**
     * The task of a piece.
     *
     * @param verdicts on the piece's records, by record; null if there are none
     */
    PieceTask make(Piece piece, Iterator<Tuple2<Long, Verdict>> verdicts);
  }

  private final Piece piece;
  private final PartLayout layout;
  private final PieceReader records;
  private final Verdicts duplicates;
  private final RecordStages stages;
  private final SampleTokenizer tokenize;
  private final LengthFilter filter;
  private final PieceStatistics statistics = new PieceStatistics();

  private Tuple2<DocumentKey, byte[]> next;
  private boolean finished;

  PieceTask(
      Piece piece,
      PrepareOptions options,
      PartLayout layout,
      LoadedModel model,
      Curation curation,
      Verdicts duplicates,
      Configuration configuration) {
    this.piece = piece;
    this.layout = layout;
    this.records = PieceReader.open(piece, options.maximumLineBytes(), configuration);
    this.duplicates = duplicates;
    this.stages = new RecordStages(piece.file(), curation);
    this.tokenize = model.sampleTokenizer(options.dataset());
    this.filter =
        new LengthFilter(
            options.minimumTokens(),
            options.dataset().sequenceLength(),
            options.dataset().onLong(),
            options.dataset().kind() == DatasetOptions.Kind.PROMPT);
  }

  @Override
  public boolean hasNext() {
    if (next == null && !finished) {
      next = advance();
    }
    return next != null;
  }

  @Override
  public Tuple2<DocumentKey, byte[]> next() {
    if (!hasNext()) {
      throw new NoSuchElementException();
    }
    Tuple2<DocumentKey, byte[]> result = next;
    next = null;
    return result;
  }

  private Tuple2<DocumentKey, byte[]> advance() {
    try {
      for (RawRecord record = records.next(); record != null; record = records.next()) {
        checkKilled();
        statistics.addRecord();
        try {
          Verdict verdict = duplicates.on(piece.index(), record.line());
          if (verdict != null) {
            leaveOut(record, verdict);
            continue;
          }
          Sample sample = stages.apply(record, statistics.counters());
          Document document = filter.apply(tokenize.tokenize(sample));
          long hash = ContentHash.of(sample);
          return new Tuple2<>(layout.place(hash, piece.index(), record.line()), document.toBytes());
        } catch (RejectException e) {
          reject(record, e, PieceStatistics.NO_RECORD);
        }
      }
      statistics.setLines(piece.index(), records.lines());
      records.close();
    } catch (IOException e) {
      throw PieceReader.damaged(piece.file().path(), e);
    }
    finished = true;
    return new Tuple2<>(
        new DocumentKey(layout.statisticsPartition(), 0, piece.index(), 0), toBytes(statistics));
  }

  /** Spark looks at its kill flag between pieces only, and a piece takes seconds. */
  static void checkKilled() {
    TaskContext task = TaskContext.get();
    if (task != null && task.isInterrupted()) {
      throw new CancellationException("The job was ended");
    }
  }

  private void leaveOut(RawRecord record, Verdict verdict) throws IOException {
    boolean known = RecordId.isKnown(verdict.duplicateOf());
    String detail = verdict.near() ? "nearly the same as " : "the same as ";
    reject(
        record,
        new RejectException(
            verdict.reason(), detail + (known ? "a record of an earlier dataset" : "")),
        known ? PieceStatistics.NO_RECORD : verdict.duplicateOf());
  }

  private void reject(RawRecord record, RejectException problem, long other) throws IOException {
    statistics.addReject(problem.reason());
    if (statistics.wantsExample(problem.reason())) {
      String text = record.excerpt() == null ? JsonValues.write(record.value()) : record.excerpt();
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
