package org.sparktune.pipeline.source;

import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectReader;
import java.io.IOException;
import java.io.InputStream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSDataInputStream;
import org.apache.hadoop.fs.Path;
import org.sparktune.pipeline.sample.JsonValues;

/** One JSON array, streamed element by element. */
final class JsonArrayReader implements PieceReader {
  /** Reads one element; what follows it is the array's business. */
  private static final ObjectReader ELEMENT =
      JsonValues.mapper()
          .readerFor(Object.class)
          .without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);

  private final InputStream in;
  private final JsonParser parser;
  private long line;

  JsonArrayReader(Piece piece, Configuration configuration) throws IOException {
    Path path = new Path(piece.file().path());
    FSDataInputStream file = path.getFileSystem(configuration).open(path);
    boolean opened = false;
    try {
      in = piece.file().compression().decompress(file);
      parser = JsonValues.mapper().createParser(in);
      if (parser.nextToken() != JsonToken.START_ARRAY) {
        throw new DamagedFileException("it does not start with a JSON array");
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
    try {
      JsonToken token = parser.nextToken();
      if (token == JsonToken.END_ARRAY) {
        if (parser.nextToken() != null) {
          throw new DamagedFileException("something follows the JSON array");
        }
        return null;
      }
      if (token == null) {
        throw new DamagedFileException("the JSON array has no end; the file is truncated");
      }
      line = parser.currentTokenLocation().getLineNr() - 1L;
      // A damaged array has no place to go on from, unlike a damaged line.
      Object value = token == JsonToken.VALUE_NULL ? null : ELEMENT.readValue(parser);
      return new RawRecord(line, value, null, null);
    } catch (JsonProcessingException e) {
      throw new DamagedFileException(
          "line " + e.getLocation().getLineNr() + ": " + e.getOriginalMessage(), e);
    }
  }

  @Override
  public long lines() {
    return line;
  }

  @Override
  public void close() throws IOException {
    parser.close();
    in.close();
  }
}
