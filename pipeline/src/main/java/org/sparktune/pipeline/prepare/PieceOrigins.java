package org.sparktune.pipeline.prepare;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.source.Piece;

/** Where pieces lie in their files, by lines: known when all of them have been read. */
final class PieceOrigins {
  static final String FILE_NAME = "_sources.jsonl";

  private final List<Piece> pieces;
  private final long[] firstLines;

  /**
   * @param pieces in their order, those of a file one after another
   * @param statistics with every piece's number of lines
   */
  PieceOrigins(List<Piece> pieces, PieceStatistics statistics) {
    this.pieces = pieces;
    this.firstLines = new long[pieces.size()];
    for (int i = 0; i < firstLines.length; i++) {
      boolean continues = i > 0 && pieces.get(i - 1).fileIndex() == pieces.get(i).fileIndex();
      firstLines[i] = continues ? firstLines[i - 1] + statistics.lines(i - 1) : 1;
    }
  }

  /** The file of a piece. */
  String file(int piece) {
    return pieces.get(piece).file().path();
  }

  /**
   * A line's number in the file, from 1.
   *
   * @param line its number in the piece, from 0
   */
  long line(int piece, long line) {
    return firstLines[piece] + line;
  }

  /**
   * {@code _sources.jsonl}: for each piece, in order, its file and the number of its first line.
   */
  String lines() {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < firstLines.length; i++) {
      Map<String, Object> line = new LinkedHashMap<>();
      line.put("file", file(i));
      line.put("first_line", firstLines[i]);
      try {
        lines.append(JsonValues.write(line)).append('\n');
      } catch (JsonProcessingException e) {
        throw new IllegalStateException("Text and numbers are always JSON", e);
      }
    }
    return lines.toString();
  }
}
