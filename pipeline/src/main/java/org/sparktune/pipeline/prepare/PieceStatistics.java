package org.sparktune.pipeline.prepare;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.Counters;
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
   * @param other the record of this input (see RecordId) that the detail ends with, or {@link
   *     #NO_RECORD}
   */
  record Example(
      RejectReason reason, int piece, long line, String detail, String record, long other)
      implements Serializable {}

  /**
   * What is wrong with the file of a piece.
   *
   * @param reason in a few words
   * @param records read before
   */
  record Damage(String reason, long records) implements Serializable {}

  /** Not a record. */
  static final long NO_RECORD = -1;

  private long records;
  private final EnumMap<RejectReason, Long> rejects = new EnumMap<>(RejectReason.class);
  private final EnumMap<RejectReason, List<Example>> examples = new EnumMap<>(RejectReason.class);
  private final Map<Integer, Long> linesByPiece = new java.util.TreeMap<>();

  private final Map<Integer, Damage> damages = new java.util.TreeMap<>();
  private final Counters counters = new Counters();

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

  void addDamage(int piece, Damage damage) {
    damages.put(piece, damage);
  }

  /** Damaged files, by piece. */
  Map<Integer, Damage> damages() {
    return damages;
  }

  /** Adds the counts of later pieces. */
  void merge(PieceStatistics later) {
    records += later.records;
    later.rejects.forEach((reason, count) -> rejects.merge(reason, count, Long::sum));
    linesByPiece.putAll(later.linesByPiece);
    damages.putAll(later.damages);
    counters.merge(later.counters);
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

  /** Rejected records with something wrong: not those that were filtered out as asked for. */
  long bad() {
    long total = 0;
    for (Map.Entry<RejectReason, Long> entry : rejects.entrySet()) {
      total += entry.getKey().filtered() ? 0 : entry.getValue();
    }
    return total;
  }

  /** What the stages counted. */
  Counters counters() {
    return counters;
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
