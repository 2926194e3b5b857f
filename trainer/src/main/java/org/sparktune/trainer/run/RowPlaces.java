package org.sparktune.trainer.run;

import java.util.ArrayList;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.dataset.DatasetReader;
import org.sparktune.trainer.dataset.DatasetRow;

/** Says where the rows of micro-batches lie, and which lines of input they were made of. */
final class RowPlaces {
  private static final Logger LOG = LoggerFactory.getLogger(RowPlaces.class);

  /** Documents that a message spells out. */
  private static final int SOURCE_LINES = 8;

  private final DatasetReader reader;

  /**
   * @param reader where the rows came from
   */
  RowPlaces(DatasetReader reader) {
    this.reader = reader;
  }

  /**
   * Such as {@code train/part-00000.parquet rows 4, 5, 9, made of data.jsonl:17}; empty where there
   * are no rows.
   */
  String describe(List<MicroBatch> microBatches) {
    List<DatasetRow> rows = new ArrayList<>();
    for (MicroBatch microBatch : microBatches) {
      rows.addAll(microBatch.rows());
    }
    return rows.isEmpty() ? "" : places(rows) + sourceLines(rows);
  }

  private static String places(List<DatasetRow> rows) {
    StringBuilder text = new StringBuilder();
    String part = "";
    for (DatasetRow row : rows) {
      if (row.part().equals(part)) {
        text.append(", ").append(row.row());
      } else {
        part = row.part();
        text.append(text.isEmpty() ? "" : "; ").append(part).append(" rows ").append(row.row());
      }
    }
    return text.toString();
  }

  /** The input behind rows, for a message that must come even where the input cannot be found. */
  private String sourceLines(List<DatasetRow> rows) {
    try {
      String lines = reader.sourceLines(rows, SOURCE_LINES);
      return lines.isEmpty() ? "" : ", made of " + lines;
    } catch (SparktuneException e) {
      LOG.warn("Where the rows come from cannot be told: {}", e.getMessage());
      return "";
    }
  }
}
