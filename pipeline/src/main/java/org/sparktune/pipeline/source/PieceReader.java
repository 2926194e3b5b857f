package org.sparktune.pipeline.source;

import java.io.Closeable;
import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

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

  /**
   * Opens a piece.
   *
   * @param maximumLineBytes longer lines are rejected without being held
   * @throws SparktuneException {@link ErrorCode#BAD_FILE} when the file cannot be read
   */
  static PieceReader open(Piece piece, int maximumLineBytes, Configuration configuration) {
    try {
      return switch (piece.file().format()) {
        case JSONL -> new JsonLinesReader(piece, maximumLineBytes, configuration);
        case JSON -> new JsonArrayReader(piece, configuration);
        case PARQUET -> new ParquetRecordReader(piece, configuration);
      };
    } catch (IOException e) {
      throw damaged(piece.file().path(), e);
    }
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
