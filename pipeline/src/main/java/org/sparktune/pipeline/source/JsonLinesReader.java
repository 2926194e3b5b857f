package org.sparktune.pipeline.source;

import com.fasterxml.jackson.core.JsonProcessingException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.CharBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.CharsetDecoder;
import java.nio.charset.CodingErrorAction;
import java.nio.charset.StandardCharsets;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.sparktune.pipeline.sample.JsonValues;
import org.sparktune.pipeline.sample.RejectException;
import org.sparktune.pipeline.sample.RejectReason;

/** JSON Lines. A piece holds the lines that start in its range of bytes. */
final class JsonLinesReader implements PieceReader {
  private static final int EXCERPT = 2000;

  private final LineReader lines;
  private final long end;
  private final boolean ranged;
  private final int maximumLineBytes;
  private final boolean atStartOfFile;
  private final CharsetDecoder decoder =
      StandardCharsets.UTF_8
          .newDecoder()
          .onMalformedInput(CodingErrorAction.REPORT)
          .onUnmappableCharacter(CodingErrorAction.REPORT);
  private long line;

  JsonLinesReader(Piece piece, int maximumLineBytes, Configuration configuration)
      throws IOException {
    this.maximumLineBytes = maximumLineBytes;
    this.end = piece.end();
    this.ranged = piece.file().compression() == Compression.NONE;
    this.atStartOfFile = piece.start() == 0;
    Path path = new Path(piece.file().path());
    FSDataInputStream file = path.getFileSystem(configuration).open(path);
    boolean opened = false;
    try {
      long start = Math.max(0, piece.start() - 1);
      file.seek(start);
      InputStream text = piece.file().compression().decompress(file);
      this.lines = new LineReader(text, start, maximumLineBytes);
      if (!atStartOfFile) {
        // The line that holds the byte before this piece belongs to the piece before.
        lines.next();
      }
      opened = true;
    } finally {
      if (!opened) {
        file.close();
      }
    }
  }

  @Override
  public RawRecord next() throws IOException {
    if ((ranged && lines.offset() >= end) || !lines.next()) {
      return null;
    }
    long number = line++;
    int start = number == 0 && atStartOfFile && startsWithMark() ? 3 : 0;
    if (lines.isOverLong()) {
      return reject(
          number,
          RejectReason.OVER_LONG_LINE,
          "the line has more than " + maximumLineBytes + " bytes");
    }
    String text;
    try {
      CharBuffer decoded =
          decoder.decode(ByteBuffer.wrap(lines.bytes(), start, lines.length() - start));
      text = decoded.toString();
    } catch (CharacterCodingException e) {
      return reject(number, RejectReason.NOT_UTF8, "the line is not UTF-8");
    }
    if (text.isBlank()) {
      return reject(number, RejectReason.EMPTY, "the line is empty");
    }
    try {
      return new RawRecord(number, JsonValues.parse(text), null, null);
    } catch (JsonProcessingException e) {
      return reject(number, RejectReason.MALFORMED_JSON, e.getOriginalMessage());
    }
  }

  private boolean startsWithMark() {
    byte[] bytes = lines.bytes();
    return lines.length() >= 3
        && (bytes[0] & 0xff) == 0xef
        && (bytes[1] & 0xff) == 0xbb
        && (bytes[2] & 0xff) == 0xbf;
  }

  private RawRecord reject(long number, RejectReason reason, String detail) {
    // Invalid bytes become U+FFFD here: this text is for people.
    String excerpt =
        new String(lines.bytes(), 0, Math.min(EXCERPT, lines.length()), StandardCharsets.UTF_8);
    return new RawRecord(number, null, new RejectException(reason, detail), excerpt);
  }

  @Override
  public long lines() {
    return line;
  }

  @Override
  public void close() throws IOException {
    lines.close();
  }
}
