package org.sparktune.jobs.reference;

import java.io.Serializable;

/**
 * A Parquet file of a split, with its place in the new dataset.
 *
 * @param split {@code train} or {@code validation}
 * @param place its place among the split's files
 * @param rowsBefore rows of the split that are in earlier files
 * @param path relative to the dataset folder
 * @param rows rows in it
 * @param bytes its size
 */
record ScoredPart(String split, int place, long rowsBefore, String path, long rows, long bytes)
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** Whether it belongs to another version of the dataset, whose sources are in another folder. */
  boolean isElsewhere() {
    return path.startsWith("../");
  }

  /** The file with the references. */
  ScoredPart written(long newBytes) {
    return new ScoredPart(split, place, rowsBefore, newPath(), rows, newBytes);
  }

  /** Its name in the new folder: parts of several versions may lie outside the old one. */
  String newPath() {
    return "%s/part-%05d.parquet".formatted(split, place);
  }
}
