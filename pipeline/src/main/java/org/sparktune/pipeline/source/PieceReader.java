package org.sparktune.pipeline.source;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;

/** Streams the records of a piece. */
public interface PieceReader extends Closeable {

  /**
   * The next record; null at the end of the piece.
   *
   * @throws IOException when the file itself is damaged
   */
  RawRecord next() throws IOException;

  /** Lines (rows) passed so far. */
  long lines();

  /** What is wrong with the file from here on, where that is the end of the piece; else null. */
  default String damage() {
    return null;
  }

  /**
   * Opens a piece of a file that must be in order.
   *
   * @param maximumLineBytes longer lines are rejected without being held
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when the file cannot be read
   */
  static PieceReader open(Piece piece, int maximumLineBytes, Configuration configuration) {
    return open(piece, maximumLineBytes, OnCorrupt.FAIL, configuration);
  }

  /**
   * Opens a piece.
   *
   * @param maximumLineBytes longer lines are rejected without being held
   * @param onCorrupt whether damage is a failure, or the end of the piece
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when the file cannot be read
   */
  static PieceReader open(
      Piece piece, int maximumLineBytes, OnCorrupt onCorrupt, Configuration configuration) {
    try {
      return switch (onCorrupt) {
        case FAIL -> openFile(piece, maximumLineBytes, configuration);
        case QUARANTINE ->
            new TolerantReader(() -> openFile(piece, maximumLineBytes, configuration));
      };
    } catch (IOException e) {
      throw damaged(piece.file().path(), e);
    }
  }

  private static PieceReader openFile(
      Piece piece, int maximumLineBytes, Configuration configuration) throws IOException {
    return switch (piece.file().format()) {
      case JSONL -> new JsonLinesReader(piece, maximumLineBytes, configuration);
      case JSON -> new JsonArrayReader(piece, configuration);
      case PARQUET -> new ParquetRecordReader(piece, configuration);
    };
  }

  /** Whether a failure says that the file is damaged, gone or forbidden, and not just far away. */
  static boolean isDamage(IOException failure) {
    return Damage.isOfTheFile(failure);
  }

  /** The failure of a file that cannot be read to its end. */
  static SparktuneException damaged(String path, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        path + " cannot be read: " + cause.getMessage() + ".",
        "Check that the file is complete; copy or compress it again.",
        cause);
  }
}
