package org.sparktune.pipeline.source;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;

/**
 * A part of an input file that one task reads. Where files are cut depends on their sizes alone, so
 * that the same files give the same pieces on any cluster.
 *
 * @param index its place among all pieces, in the order of the sources
 * @param fileIndex the file's place among all files
 * @param file the file
 * @param start first byte
 * @param end one past the last byte; a record belongs to the piece in which it starts
 */
public record Piece(int index, int fileIndex, SourceFile file, long start, long end)
    implements Serializable {

  /** Pieces of files that can be cut are at most this long. */
  public static final long BYTES = 32L << 20;

  /** Cuts files into pieces; one of which nothing can be read has none. */
  public static List<Piece> cut(List<SourceFile> files, long pieceBytes) {
    List<Piece> pieces = new ArrayList<>();
    for (int i = 0; i < files.size(); i++) {
      SourceFile file = files.get(i);
      if (file.problem() != null) {
        continue;
      }
      boolean whole =
          file.format() == SourceFormat.JSON
              || (file.format() == SourceFormat.JSONL && file.compression() != Compression.NONE);
      long step = whole ? Math.max(1, file.bytes()) : pieceBytes;
      for (long start = 0; start < file.bytes(); start += step) {
        long end = Math.min(file.bytes(), start + step);
        pieces.add(new Piece(pieces.size(), i, file, start, end));
      }
    }
    return pieces;
  }
}
