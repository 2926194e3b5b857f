package org.sparktune.pipeline.source;

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
import org.sparktune.pipeline.spec.DatasetOptions.Schema;
import org.sparktune.pipeline.spec.DatasetOptions.Source;

/** Recognises a file's format by its first bytes and its schema by its first good records. */
final class SourceInspector {
  private static final int HEAD_BYTES = 1 << 16;
  private static final int RECORDS = 100;
  private static final int MAXIMUM_LINE_BYTES = 16 << 20;

  private final Source source;
  private final Configuration configuration;

  SourceInspector(Source source, Configuration configuration) {
    this.source = source;
    this.configuration = configuration;
  }

  SourceFile inspect(FileStatus status) throws IOException {
    Path path = status.getPath();
    byte[] head = head(path, Compression.NONE);
    Compression compression = Compression.of(head);
    SourceFormat format =
        format(path, compression == Compression.NONE ? head : head(path, compression));
    SourceFile file =
        new SourceFile(
            path.toString(),
            status.getLen(),
            status.getModificationTime(),
            format,
            compression,
            source.schema(),
            source.columns(),
            source.name());
    return source.schema() == Schema.AUTO ? withSchema(file) : file;
  }

  private byte[] head(Path path, Compression compression) throws IOException {
    try (InputStream in = path.getFileSystem(configuration).open(path);
        InputStream text = compression.decompress(in)) {
      return text.readNBytes(HEAD_BYTES);
    }
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
        path + " is neither JSON Lines, nor a JSON array, nor Parquet.",
        "Convert it; plain text becomes JSON Lines with one {\"text\": …} a line.");
  }

  private SourceFile withSchema(SourceFile file) throws IOException {
    Set<String> seen = new TreeSet<>();
    Piece whole = new Piece(0, 0, file, 0, file.bytes());
    try (PieceReader reader = PieceReader.open(whole, MAXIMUM_LINE_BYTES, configuration)) {
      RawRecord record = reader.next();
      for (int i = 0; i < RECORDS && record != null; i++) {
        if (record.value() instanceof Map<?, ?> map) {
          Set<String> names = new TreeSet<>();
          map.keySet().forEach(name -> names.add((String) name));
          var schema = SchemaDetector.detect(names, source.columns());
          if (schema.isPresent()) {
            return new SourceFile(
                file.path(),
                file.bytes(),
                file.modified(),
                file.format(),
                file.compression(),
                schema.get(),
                file.columns(),
                file.source());
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
