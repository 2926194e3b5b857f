package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.RejectReason;

/** What was counted while pieces were read. */
final class PieceStatistics implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Rejected records kept of each reason. */
  static final int EXAMPLES = 20;

  /**
   * A rejected record.
   *
   * @param reason why
   * @param piece where it was
   * @param line its line in the piece, from 0
   * @param detail what exactly is wrong
   * @param record its text, possibly cut
   */
  record Example(RejectReason reason, int piece, long line, String detail, String record)
      implements Serializable {}

  private long records;
  private final EnumMap<RejectReason, Long> rejects = new EnumMap<>(RejectReason.class);
  private final EnumMap<RejectReason, List<Example>> examples = new EnumMap<>(RejectReason.class);
  private final Map<Integer, Long> linesByPiece = new java.util.TreeMap<>();

  void addRecord() {
    records++;
  }

  /** Whether the next example of a reason would be kept. */
  boolean wantsExample(RejectReason reason) {
    List<Example> kept = examples.get(reason);
    return kept == null || kept.size() < EXAMPLES;
  }

  void addReject(RejectReason reason) {
    rejects.merge(reason, 1L, Long::sum);
  }

  void addExample(Example example) {
    examples.computeIfAbsent(example.reason(), unused -> new ArrayList<>()).add(example);
  }

  void setLines(int piece, long lines) {
    linesByPiece.put(piece, lines);
  }

  /** Adds the counts of later pieces. */
  void merge(PieceStatistics later) {
    records += later.records;
    later.rejects.forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
    linesByPiece.putAll(later.linesByPiece);
    for (List<Example> list : later.examples.values()) {
      for (Example example : list) {
        if (wantsExample(example.reason())) {
          addExample(example);
        }
      }
    }
  }

  long records() {
    return records;
  }

  long rejected() {
    long total = 0;
    for (long count : rejects.values()) {
      total += count;
    }
    return total;
  }

  Map<RejectReason, Long> rejects() {
    return rejects;
  }

  /** Kept examples, by reason and place. */
  List<Example> examples() {
    List<Example> all = new ArrayList<>();
    examples.values().forEach(all::addAll);
    return all;
  }

  long lines(int piece) {
    return linesByPiece.getOrDefault(piece, 0L);
  }
}
