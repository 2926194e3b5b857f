package org.sparktune.pipeline.source;

import java.io.Serializable;
import java.util.Map;
import org.sparktune.pipeline.spec.DatasetOptions.Schema;

/**
 * One input file, with everything that was found out about it.
 *
 * @param path as a URI
 * @param bytes its size
 * @param modified its modification time in milliseconds since 1970
 * @param format its container
 * @param compression how it is compressed as a whole
 * @param schema the schema of its records; {@code AUTO} only if it has no records
 * @param columns standard column name to the name in the file
 * @param source the name of its source
 * @param problem why nothing can be read from it; null if nothing is wrong so far
 */
public record SourceFile(
    String path,
    long bytes,
    long modified,
    SourceFormat format,
    Compression compression,
    Schema schema,
    Map<String, String> columns,
    String source,
    String problem)
    implements Serializable {

  /** The same with the schema of its records. */
  SourceFile withSchema(Schema found) {
    return new SourceFile(
        path, bytes, modified, format, compression, found, columns, source, problem);
  }

  /** About how many bytes of text it holds. */
  public long estimatedTextBytes() {
    return bytes * (format == SourceFormat.PARQUET ? 4 : compression.expansion());
  }
}
