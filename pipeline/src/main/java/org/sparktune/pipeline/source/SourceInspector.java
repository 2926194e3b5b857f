package org.sparktune.pipeline.source;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileStatus;
import org.apache.hadoop.fs.Path;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.pipeline.sample.SchemaDetector;
import org.sparktune.pipeline.spec.DatasetOptions.OnCorrupt;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/** Recognises a file's format by its first bytes and its schema by its first good records. */
final class SourceInspector {
  private static final String NO_KNOWN_FORMAT = "neither JSON Lines, nor a JSON array, nor Parquet";
  private static final int HEAD_BYTES = 1 << 16;
  private static final int RECORDS = 100;
  private static final int MAXIMUM_LINE_BYTES = 16 << 20;

  private final Source source;
  private final OnCorrupt onCorrupt;
  private final Configuration configuration;

  SourceInspector(Source source, OnCorrupt onCorrupt, Configuration configuration) {
    this.source = source;
    this.onCorrupt = onCorrupt;
    this.configuration = configuration;
  }

  SourceFile inspect(FileStatus status) throws IOException {
    Path path = status.getPath();
    byte[] head = head(path, Compression.NONE);
    Compression compression = Compression.of(head);
    SourceFormat format = SourceFormat.JSONL;
    String problem = null;
    try {
      format = format(path, compression == Compression.NONE ? head : head(path, compression));
    } catch (SparktuneException e) {
      if (onCorrupt == OnCorrupt.FAIL) {
        throw e;
      }
      problem = "it is " + NO_KNOWN_FORMAT;
    }
    SourceFile file =
        new SourceFile(
            path.toString(),
            status.getLen(),
            status.getModificationTime(),
            format,
            compression,
            source.schema(),
            source.columns(),
            source.name(),
            problem);
    return source.schema() == Schema.AUTO && problem == null ? withSchema(file) : file;
  }

  /** The first bytes: all that can be read of them, whatever the damage behind. */
  private byte[] head(Path path, Compression compression) throws IOException {
    ByteArrayOutputStream head = new ByteArrayOutputStream();
    try (InputStream in = path.getFileSystem(configuration).open(path);
        InputStream text = compression.decompress(in)) {
      byte[] buffer = new byte[1 << 12];
      while (head.size() < HEAD_BYTES) {
        int read = text.read(buffer);
        if (read < 0) {
          break;
        }
        head.write(buffer, 0, read);
      }
    } catch (IOException e) {
      if (onCorrupt == OnCorrupt.FAIL || !Damage.isOfTheFile(e)) {
        throw e;
      }
    }
    return head.toByteArray();
  }

  private static SourceFormat format(Path path, byte[] head) {
    if (head.length >= 4 && new String(head, 0, 4, StandardCharsets.ISO_8859_1).equals("PAR1")) {
      return SourceFormat.PARQUET;
    }
    String text = new String(head, StandardCharsets.UTF_8).replaceFirst("^\uFEFF", "");
    String start = text.stripLeading();
    if (start.startsWith("[")) {
      return SourceFormat.JSON;
    }
    // A bad first line is a reject, not the end: any line that opens an object will do.
    if (start.isEmpty() || text.lines().anyMatch(line -> line.stripLeading().startsWith("{"))) {
      return SourceFormat.JSONL;
    }
    throw new SparktuneException(
        ErrorCode.BAD_FILE,
        path + " is " + NO_KNOWN_FORMAT + ".",
        "Convert it; plain text becomes JSON Lines with one {\"text\": …} a line.");
  }

  private SourceFile withSchema(SourceFile file) throws IOException {
    Set<String> seen = new TreeSet<>();
    Piece whole = new Piece(0, 0, file, 0, file.bytes());
    try (PieceReader reader =
        PieceReader.open(whole, MAXIMUM_LINE_BYTES, onCorrupt, configuration)) {
      RawRecord record = reader.next();
      for (int i = 0; i < RECORDS && record != null; i++) {
        if (record.value() instanceof Map<?, ?> map) {
          Set<String> names = new TreeSet<>();
          map.keySet().forEach(name -> names.add((String) name));
          var schema = SchemaDetector.detect(names, source.columns());
          if (schema.isPresent()) {
            return file.withSchema(schema.get());
          }
          seen.addAll(names);
        }
        record = reader.next();
      }
    }
    if (seen.isEmpty()) {
      // No record to be read: what is there will be counted as rejects, and nothing needs a schema.
      return file;
    }
    throw new SparktuneException(
        ErrorCode.BAD_DATA,
        "The schema of " + file.path() + " cannot be told from its columns " + seen + ".",
        "Set schema: and columns: of the source, for instance columns: {instruction: question, output: answer}.");
  }
}
