package org.sparktune.trainer.dataset;

import java.util.List;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.Fingerprint;

/**
 * Reads one split row by row, endlessly: after an epoch's last row comes the next epoch's first.
 * Holds one row group. Not safe for use by several threads.
 */
public final class DatasetReader implements AutoCloseable {
  private final String folder;
  private final Configuration configuration;
  private final DatasetManifest.Split split;
  private final List<DatasetManifest.Part> parts;
  private final int vocabularySize;
  private final RowOrder order;
  private final String fingerprint;

  private Cursor cursor = Cursor.START;
  private Cursor loaded;
  private PartReader part;
  private int openPart = -1;
  private RowGroup rowGroup;
  private int openRowGroup = -1;
  private int[] rowOrder = {};

  DatasetReader(
      String folder,
      Configuration configuration,
      DatasetManifest.Split split,
      String specFingerprint,
      int vocabularySize,
      RowOrder order) {
    this.folder = folder;
    this.configuration = configuration;
    this.split = split;
    this.parts = split.parts().stream().filter(part -> part.rows() > 0).toList();
    this.vocabularySize = vocabularySize;
    this.order = order;
    this.fingerprint = fingerprint(split, specFingerprint, order);
  }

  /** What the manifest says about the split. */
  public DatasetManifest.Split split() {
    return split;
  }

  /** Rows of the split. */
  public long rows() {
    return split.rows();
  }

  /** Equal fingerprints mean the same rows in the same order. */
  public String fingerprint() {
    return fingerprint;
  }

  /** The place of the next row. */
  public Cursor cursor() {
    return cursor;
  }

  /** Goes to a place that {@link #cursor()} returned, here or in another process. */
  public void seek(Cursor place) {
    cursor = place;
  }

  /**
   * Reads the next row.
   *
   * @throws org.sparktune.core.SparktuneException when the file is damaged or an id is outside the
   *     vocabulary
   */
  public DatasetRow next() {
    load();
    DatasetRow row = rowGroup.row(rowOrder[cursor.row()], vocabularySize);
    advance(1, rowGroup.rows());
    return row;
  }

  /**
   * Passes over rows, never beyond the end of the epoch. Reads the footers of parts at most.
   *
   * @return how many rows were passed over
   */
  public long skip(long rows) {
    long epoch = cursor.epoch();
    long left = rows;
    while (left > 0 && cursor.epoch() == epoch) {
      long rowsOfPart = parts.get(partIndex()).rows();
      if (cursor.rowGroup() == 0 && cursor.row() == 0 && left >= rowsOfPart) {
        left -= rowsOfPart;
        nextPart();
        continue;
      }
      openPart();
      int rowsOfGroup = part.rows(rowGroupIndex());
      int passed = (int) Math.min(left, rowsOfGroup - cursor.row());
      left -= passed;
      advance(passed, rowsOfGroup);
    }
    return rows - left;
  }

  /**
   * The input that rows were made of, such as {@code data.jsonl:3, data.jsonl:17 and 4 more}; empty
   * where the dataset does not say.
   *
   * @param most how many documents are spelled out
   */
  public String sourceLines(List<DatasetRow> rows, int most) {
    return new SourceLines(folder, configuration, parts).describe(rows, most);
  }

  /**
   * The file that each document of the split comes from, in the stored order; empty where the
   * dataset does not say.
   */
  public List<String> sourceFiles() {
    return new SourceLines(folder, configuration, parts).files();
  }

  @Override
  public void close() {
    if (part != null) {
      part.close();
    }
    part = null;
    openPart = -1;
    rowGroup = null;
    openRowGroup = -1;
    loaded = null;
  }

  /** Makes the cursor's row group the loaded one. */
  private void load() {
    if (loaded != null
        && loaded.epoch() == cursor.epoch()
        && loaded.part() == cursor.part()
        && loaded.rowGroup() == cursor.rowGroup()) {
      return;
    }
    openPart();
    int rowGroupIndex = rowGroupIndex();
    if (rowGroupIndex != openRowGroup) {
      // Let go of the old one first, so that only one is ever held.
      rowGroup = null;
      rowGroup = part.read(rowGroupIndex);
      openRowGroup = rowGroupIndex;
    }
    rowOrder = order.rows(cursor.epoch(), openPart, rowGroupIndex, rowGroup.rows());
    loaded = cursor;
  }

  /** Opens the cursor's part, which reads its footer. */
  private void openPart() {
    int partIndex = partIndex();
    if (partIndex != openPart) {
      close();
      part = new PartReader(folder, parts.get(partIndex), configuration);
      openPart = partIndex;
    }
  }

  private int partIndex() {
    return order.parts(cursor.epoch(), parts.size())[cursor.part()];
  }

  private int rowGroupIndex() {
    return order.rowGroups(cursor.epoch(), openPart, part.rowGroups())[cursor.rowGroup()];
  }

  /** Moves the cursor forward by rows of the open part's current row group, at most to its end. */
  private void advance(int rows, int rowsOfGroup) {
    if (cursor.row() + rows < rowsOfGroup) {
      cursor = new Cursor(cursor.epoch(), cursor.part(), cursor.rowGroup(), cursor.row() + rows);
    } else if (cursor.rowGroup() + 1 < part.rowGroups()) {
      cursor = new Cursor(cursor.epoch(), cursor.part(), cursor.rowGroup() + 1, 0);
    } else {
      nextPart();
    }
  }

  private void nextPart() {
    cursor =
        cursor.part() + 1 < parts.size()
            ? new Cursor(cursor.epoch(), cursor.part() + 1, 0, 0)
            : new Cursor(cursor.epoch() + 1, 0, 0, 0);
  }

  private static String fingerprint(
      DatasetManifest.Split split, String specFingerprint, RowOrder order) {
    Fingerprint fingerprint = new Fingerprint().add(specFingerprint);
    for (DatasetManifest.Part part : split.parts()) {
      fingerprint.add(part.path()).add(part.rows());
    }
    return fingerprint.add(order.toString()).finish();
  }
}
