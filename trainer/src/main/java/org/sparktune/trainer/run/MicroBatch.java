package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.List;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;
import org.sparktune.trainer.model.Batch;

/**
 * The rows of one forward and backward pass.
 *
 * @param batch their tokens, end to end
 * @param rows where they came from
 */
record MicroBatch(Batch batch, List<DatasetRow> rows) {

  /**
   * Reads the next micro-batch; it never reaches into the next epoch.
   *
   * @param size rows, fewer at the end of an epoch
   */
  static MicroBatch read(DatasetReader reader, int size) {
    long epoch = reader.cursor().epoch();
    List<DatasetRow> rows = new ArrayList<>(size);
    do {
      rows.add(reader.next());
    } while (rows.size() < size && reader.cursor().epoch() == epoch);
    return new MicroBatch(DatasetRow.batch(rows), rows);
  }

  /**
   * Reads the micro-batches of the next step; they never reach into the next epoch.
   *
   * @param size rows of a micro-batch
   * @param count micro-batches, fewer at the end of an epoch
   */
  static List<MicroBatch> readStep(DatasetReader reader, int size, int count) {
    long epoch = reader.cursor().epoch();
    List<MicroBatch> step = new ArrayList<>(count);
    do {
      step.add(read(reader, size));
    } while (step.size() < count && reader.cursor().epoch() == epoch);
    return step;
  }
}
