package org.sparktune.trainer.dataset;

import java.util.Arrays;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.trainer.model.DocumentLabels;

/** The rows of one Parquet row group, decoded, end to end. */
final class RowGroup {
  private final String part;
  private final long firstRow;
  private final int rows;
  private final Lists tokens;
  private final Lists mask;
  private final Lists starts;
  private final Labels labels;

  /**
   * What the row group says of documents beside their tokens.
   *
   * @param margins by pair of documents, bits of floats, or null
   * @param referenceLogProbs by document, bits of floats, or null
   * @param scores by document, bits of floats, or null
   */
  record Labels(Lists margins, Lists referenceLogProbs, Lists scores) {}

  /**
   * @param part the file, relative to the dataset folder
   * @param firstRow rows of the file before this row group
   * @param rows rows in it
   */
  RowGroup(
      String part, long firstRow, int rows, Lists tokens, Lists mask, Lists starts, Labels labels) {
    this.part = part;
    this.firstRow = firstRow;
    this.rows = rows;
    this.tokens = tokens;
    this.mask = mask;
    this.starts = starts;
    this.labels = labels;
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
    int documents = rowStarts.length;
    DocumentLabels rowLabels =
        new DocumentLabels(
            floats(index, labels.margins(), documents / 2, "margins"),
            floats(index, labels.referenceLogProbs(), documents, "reference log-probabilities"),
            floats(index, labels.scores(), documents, "scores"));
    return new DatasetRow(rowTokens, narrow, rowStarts, rowLabels, part, firstRow + index);
  }

  private float[] floats(int index, Lists lists, int expected, String what) {
    if (lists == null) {
      return new float[0];
    }
    int[] bits = lists.list(index);
    if (bits.length != expected) {
      throw broken(index, "%d %s where there should be %d".formatted(bits.length, what, expected));
    }
    float[] floats = new float[bits.length];
    for (int i = 0; i < bits.length; i++) {
      floats[i] = Float.intBitsToFloat(bits[i]);
      if (!Float.isFinite(floats[i])) {
        throw broken(index, "%s among its %s".formatted(floats[i], what));
      }
    }
    return floats;
  }

  private String place(int index) {
    return "Row %d of %s".formatted(firstRow + index, part);
  }

  private SparktuneException broken(int index, String what) {
    return new SparktuneException(
        ErrorCode.BAD_FILE, place(index) + " has " + what + ".", "Prepare the dataset again.");
  }

  /** Lists of ints, or of floats' bits, end to end, with room to grow. */
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
