package org.sparktune.jobs.reference;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.SimpleGroup;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetReader;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.example.ExampleParquetWriter;
import org.apache.parquet.hadoop.example.GroupReadSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.apache.parquet.schema.Type;
import org.apache.parquet.schema.Types;

/** Copies a Parquet file row by row, with a column of reference log-probabilities. */
final class ReferenceColumn implements AutoCloseable {
  static final String NAME = "reference_log_probs";

  /** As preparation writes them: what a trainer holds at a time. */
  private static final long ROW_GROUP_BYTES = 8L << 20;

  private final MessageType schema;
  private final ParquetReader<Group> reader;
  private final ParquetWriter<Group> writer;

  /**
   * @param dropped columns that are not copied
   */
  ReferenceColumn(Path from, Path to, Set<String> dropped, Configuration configuration)
      throws IOException {
    this.schema = schema(from, dropped, configuration);
    this.reader =
        ParquetReader.builder(new GroupReadSupport(), from).withConf(configuration).build();
    this.writer =
        ExampleParquetWriter.builder(HadoopOutputFile.fromPath(to, configuration))
            .withType(schema)
            .withConf(configuration)
            .withCompressionCodec(CompressionCodecName.ZSTD)
            .withRowGroupSize(ROW_GROUP_BYTES)
            .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
            .build();
  }

  /** The file's columns, without references of an earlier time, and the new one. */
  private static MessageType schema(Path from, Set<String> dropped, Configuration configuration)
      throws IOException {
    try (ParquetFileReader file =
        ParquetFileReader.open(HadoopInputFile.fromPath(from, configuration))) {
      MessageType old = file.getFileMetaData().getSchema();
      List<Type> fields = new ArrayList<>(old.getFields());
      fields.removeIf(field -> field.getName().equals(NAME) || dropped.contains(field.getName()));
      fields.add(Types.requiredList().requiredElement(PrimitiveTypeName.FLOAT).named(NAME));
      return new MessageType(old.getName(), fields);
    }
  }

  /** Copies the next row. */
  void copyNext(float[] references) throws IOException {
    Group old = reader.read();
    Group row = new SimpleGroup(schema);
    int added = schema.getFieldIndex(NAME);
    for (int field = 0; field < added; field++) {
      String name = schema.getFieldName(field);
      for (int i = 0; i < old.getFieldRepetitionCount(name); i++) {
        row.add(field, old.getGroup(name, i));
      }
    }
    Group list = row.addGroup(added);
    for (float reference : references) {
      list.addGroup(0).add(0, reference);
    }
    writer.write(row);
  }

  @Override
  public void close() throws IOException {
    try (reader) {
      writer.close();
    }
  }
}
