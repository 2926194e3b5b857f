package org.sparktune.pipeline.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.TreeMap;
import org.sparktune.pipeline.deduplicate.RecordId;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.sample.RejectReason;

/** Tells people which records were rejected, with file and line. */
final class RejectReport {
  private final PieceOrigins origins;
  private final PieceStatistics statistics;

  RejectReport(PieceOrigins origins, PieceStatistics statistics) {
    this.origins = origins;
    this.statistics = statistics;
  }

  /** Rejected records by reason. */
  Map<String, Long> counts() {
    Map<String, Long> counts = new TreeMap<>();
    statistics.rejects().forEach((reason, count) -> counts.put(reason.label(), count));
    return counts;
  }

  /** Bad records by reason: without those that were filtered out as asked for. */
  Map<String, Long> badCounts() {
    Map<String, Long> counts = counts();
    statistics.rejects().keySet().stream()
        .filter(RejectReason::filtered)
        .forEach(reason -> counts.remove(reason.label()));
    return counts;
  }

  /** The examples, one JSON object a line. */
  String lines() {
    StringBuilder lines = new StringBuilder();
    for (PieceStatistics.Example example : statistics.examples()) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("reason", example.reason().label());
      line.put("file", origins.file(example.piece()));
      line.put("line", origins.line(example.piece(), example.line()));
      line.put("detail", detail(example));
      line.put("record", example.record());
      try {
        lines.append(JsonValues.write(line)).append('\n');
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("Text and numbers are always JSON", e);
      }
    }
    return lines.toString();
  }

  private String detail(PieceStatistics.Example example) {
    if (example.other() == PieceStatistics.NO_RECORD) {
      return example.detail();
    }
    int piece = RecordId.piece(example.other());
    return example.detail()
        + origins.file(piece)
        + ":"
        + origins.line(piece, RecordId.line(example.other()));
  }

  /** A few examples of every reason why a record is bad, for a message. */
  String badExamples(int perReason) {
    StringBuilder text = new StringBuilder();
    Map<String, Integer> shown = new TreeMap<>();
    for (PieceStatistics.Example example : statistics.examples()) {
      if (!example.reason().filtered()
          && shown.merge(example.reason().label(), 1, Integer::sum) <= perReason) {
        text.append("\n  ")
            .append(example.reason().label())
            .append(": ")
            .append(origins.file(example.piece()))
            .append(':')
            .append(origins.line(example.piece(), example.line()))
            .append(": ")
            .append(detail(example));
      }
    }
    return text.toString();
  }
}
