package org.sparktune.pipeline.prepare;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.DatasetManifest.Quarantined;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.source.Piece;
import org.sparktune.pipeline.source.SourceFile;

/** Gathers which files could not be read to their end. */
final class Quarantine {
  private static final Logger LOG = LoggerFactory.getLogger(Quarantine.class);

  private Quarantine() {}

  /** The damaged files in their order, each once. */
  static List<Quarantined> of(
      List<SourceFile> files, List<Piece> pieces, PieceStatistics statistics) {
    Map<Integer, Quarantined> damaged = new LinkedHashMap<>();
    statistics
        .damages()
        .forEach(
            (piece, damage) ->
                damaged.merge(
                    pieces.get(piece).fileIndex(),
                    new Quarantined(
                        pieces.get(piece).file().path(), damage.reason(), damage.records()),
                    (a, b) -> new Quarantined(a.path(), a.reason(), a.records() + b.records())));
    List<Quarantined> quarantined = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      SourceFile file = files.get(i);
      if (file.problem() != null) {
        quarantined.add(new Quarantined(file.path(), file.problem(), 0));
      } else if (damaged.containsKey(i)) {
        quarantined.add(damaged.get(i));
      }
    }
    quarantined.forEach(
        file ->
            LOG.warn(
                "Quarantined {} after {} records: {}", file.path(), file.records(), file.reason()));
    return quarantined;
  }

  /**
   * Damage is put up with where there is something else to work with.
   *
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when every file is damaged
   */
  static void requireAnyWhole(List<SourceFile> files, List<Quarantined> quarantined) {
    if (quarantined.isEmpty() || quarantined.size() < files.size()) {
      return;
    }
    Quarantined first = quarantined.get(0);
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        files.size() == 1
            ? "%s cannot be read: %s.".formatted(first.path(), first.reason())
            : "None of the %d files can be read to its end; %s: %s."
                .formatted(files.size(), first.path(), first.reason()),
        "Check that the files are complete; copy or compress them again.");
  }
}
