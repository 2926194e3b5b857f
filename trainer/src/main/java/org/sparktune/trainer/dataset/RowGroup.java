package org.sparktune.trainer.dataset;

import java.util.Arrays;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/** The rows of one Parquet row group, decoded, end to end. */
final class RowGroup {
  private final String part;
  private final long firstRow;
  private final int rows;
  private final Lists tokens;
  private final Lists mask;
  private final Lists starts;

  /**
   * @param part the file, relative to the dataset folder
   * @param firstRow rows of the file before this row group
   * @param rows rows in it
   */
  RowGroup(String part, long firstRow, int rows, Lists tokens, Lists mask, Lists starts) {
    this.part = part;
    this.firstRow = firstRow;
    this.rows = rows;
    this.tokens = tokens;
    this.mask = mask;
    this.starts = starts;
  }

  int rows() {
    return rows;
  }

  /** A checked copy of one row. */
  DatasetRow row(int index, int vocabularySize) {
    int[] rowTokens = tokens.list(index);
    int[] rowMask = mask.list(index);
    int[] rowStarts = starts.list(index);
    if (rowTokens.length == 0 || rowMask.length != rowTokens.length) {
      throw broken(
          index,
          "%d token ids and %d loss mask values".formatted(rowTokens.length, rowMask.length));
    }
    for (int i = 0; i < rowStarts.length; i++) {
      boolean follows = i == 0 ? rowStarts[0] == 0 : rowStarts[i] > rowStarts[i - 1];
      if (!follows || rowStarts[i] >= rowTokens.length) {
        throw broken(index, "document starts " + Arrays.toString(rowStarts));
      }
    }
    if (rowStarts.length == 0) {
      throw broken(index, "no document starts");
    }
    byte[] narrow = new byte[rowMask.length];
    for (int i = 0; i < rowTokens.length; i++) {
      if (rowTokens[i] < 0 || rowTokens[i] >= vocabularySize) {
        throw new SparktuneException(
            ErrorCode.MISMATCH,
            "%s has token id %d, the model's vocabulary has %d entries."
                .formatted(place(index), rowTokens[i], vocabularySize),
            "Prepare the dataset with the model's own tokenizer.");
      }
      if (rowMask[i] < 0 || rowMask[i] > 1) {
        throw broken(index, "a loss mask value of " + rowMask[i]);
      }
      narrow[i] = (byte) rowMask[i];
    }
    return new DatasetRow(rowTokens, narrow, rowStarts, part, firstRow + index);
  }

  private String place(int index) {
    return "Row %d of %s".formatted(firstRow + index, part);
  }

  private SparktuneException broken(int index, String what) {
    return new SparktuneException(
        ErrorCode.BAD_FILE, place(index) + " has " + what + ".", "Prepare the dataset again.");
  }

  /** Lists of ints end to end, with room to grow. */
  static final class Lists {
    private int[] values;
    private int size;
    private final int[] ends;
    private int lists;

    Lists(int lists, long expectedValues) {
      this.ends = new int[lists];
      this.values = new int[Math.toIntExact(expectedValues)];
    }

    void add(int value) {
      if (size == values.length) {
        values = Arrays.copyOf(values, Math.max(16, Math.addExact(size, size / 2)));
      }
      values[size++] = value;
    }

    void endList() {
      ends[lists++] = size;
    }

    int[] list(int index) {
      return Arrays.copyOfRange(values, index == 0 ? 0 : ends[index - 1], ends[index]);
    }
  }
}
