package org.sparktune.pipeline.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFormat;

/** Tells people which records were rejected, with file and line. */
final class RejectReport {
  private final List<Piece> pieces;
  private final PieceStatistics statistics;

  RejectReport(List<Piece> pieces, PieceStatistics statistics) {
    this.pieces = pieces;
    this.statistics = statistics;
  }

  /** Rejected records by reason. */
  Map<String, Long> counts() {
    Map<String, Long> counts = new TreeMap<>();
    statistics.rejects().forEach((reason, count) -> counts.put(reason.label(), count));
    return counts;
  }

  /** The examples, one JSON object a line. */
  String lines() {
    StringBuilder lines = new StringBuilder();
    for (PieceStatistics.Example example : statistics.examples()) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("reason", example.reason().label());
      line.put("file", pieces.get(example.piece()).file().path());
      line.put("line", line(example));
      line.put("detail", example.detail());
      line.put("record", example.record());
      try {
        lines.append(JsonValues.write(line)).append('\n');
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("Text and numbers are always JSON", e);
      }
    }
    return lines.toString();
  }

  /** A few examples of every reason, for a message. */
  String examples(int perReason) {
    StringBuilder text = new StringBuilder();
    Map<String, Integer> shown = new TreeMap<>();
    for (PieceStatistics.Example example : statistics.examples()) {
      if (shown.merge(example.reason().label(), 1, Integer::sum) <= perReason) {
        text.append("\n  ")
            .append(example.reason().label())
            .append(": ")
            .append(pieces.get(example.piece()).file().path())
            .append(':')
            .append(line(example))
            .append(": ")
            .append(example.detail());
      }
    }
    return text.toString();
  }

  /** The line in the file, from 1: the lines of the file's earlier pieces come before. */
  private long line(PieceStatistics.Example example) {
    Piece piece = pieces.get(example.piece());
    long before = 0;
    for (int i = example.piece() - 1;
        i >= 0 && pieces.get(i).fileIndex() == piece.fileIndex();
        i--) {
      before += statistics.lines(i);
    }
    boolean whole = piece.file().format() == SourceFormat.JSON;
    return (whole ? 0 : before) + example.line() + 1;
  }
}
