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
    advance();
    return row;
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
    long epoch = cursor.epoch();
    int partIndex = order.parts(epoch, parts.size())[cursor.part()];
    if (partIndex != openPart) {
      close();
      part = new PartReader(folder, parts.get(partIndex), configuration);
      openPart = partIndex;
    }
    int rowGroupIndex = order.rowGroups(epoch, partIndex, part.rowGroups())[cursor.rowGroup()];
    if (rowGroupIndex != openRowGroup) {
      // Let go of the old one first, so that only one is ever held.
      rowGroup = null;
      rowGroup = part.read(rowGroupIndex);
      openRowGroup = rowGroupIndex;
    }
    rowOrder = order.rows(epoch, partIndex, rowGroupIndex, rowGroup.rows());
    loaded = cursor;
  }

  /** Moves the cursor from a row of the loaded row group to the next existing row. */
  private void advance() {
    if (cursor.row() + 1 < rowGroup.rows()) {
      cursor = new Cursor(cursor.epoch(), cursor.part(), cursor.rowGroup(), cursor.row() + 1);
    } else if (cursor.rowGroup() + 1 < part.rowGroups()) {
      cursor = new Cursor(cursor.epoch(), cursor.part(), cursor.rowGroup() + 1, 0);
    } else if (cursor.part() + 1 < parts.size()) {
      cursor = new Cursor(cursor.epoch(), cursor.part() + 1, 0, 0);
    } else {
      cursor = new Cursor(cursor.epoch() + 1, 0, 0, 0);
    }
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
