package org.sparktune.pipeline.prepare;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.pipeline.source.PieceReader;
import org.sparktune.pipeline.source.RawRecord;

/** Counts the records of a piece. */
final class RecordCount {
  private RecordCount() {}

  /** Those that can be read and are no duplicates; stages may still refuse them. */
  static long of(PieceInput input, PrepareOptions options, Configuration configuration) {
    Verdicts duplicates = new Verdicts(input.verdicts());
    int piece = input.piece().index();
    long count = 0;
    try (PieceReader records =
        PieceReader.open(
            input.piece(),
            options.maximumLineBytes(),
            options.dataset().onCorrupt(),
            configuration)) {
      for (RawRecord record = records.next(); record != null; record = records.next()) {
        PieceTask.checkKilled();
        boolean duplicate = duplicates.on(piece, record.line()) != null;
        count += record.problem() == null && !duplicate ? 1 : 0;
      }
    } catch (IOException e) {
      throw PieceReader.damaged(input.piece().file().path(), e);
    }
    return count;
  }
}
