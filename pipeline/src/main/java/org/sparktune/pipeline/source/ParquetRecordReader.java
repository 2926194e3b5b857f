package org.sparktune.pipeline.source;

import java.io.IOException;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.ParquetReadOptions;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.example.data.Group;
import org.apache.parquet.example.data.simple.convert.GroupRecordConverter;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.ColumnIOFactory;
import org.apache.parquet.io.MessageColumnIO;
import org.apache.parquet.io.RecordReader;
import org.apache.parquet.schema.MessageType;

/** Parquet. A piece holds the row groups whose middle lies in its range of bytes. */
final class ParquetRecordReader implements PieceReader {
  private final ParquetFileReader file;
  private final MessageType schema;
  private final MessageColumnIO columns;
  private RecordReader<Group> records;
  private long remaining;
  private long row;

  ParquetRecordReader(Piece piece, Configuration configuration) throws IOException {
    ParquetReadOptions options =
        ParquetReadOptions.builder().withRange(piece.start(), piece.end()).build();
    try {
      file =
          ParquetFileReader.open(
              HadoopInputFile.fromPath(new Path(piece.file().path()), configuration), options);
    } catch (RuntimeException e) {
      throw new DamagedFileException(e.getMessage(), e);
    }
    schema = file.getFileMetaData().getSchema();
    columns = new ColumnIOFactory().getColumnIO(schema);
  }

  @Override
  public RawRecord next() throws IOException {
    try {
      while (remaining == 0) {
        PageReadStore rowGroup = file.readNextRowGroup();
        if (rowGroup == null) {
          return null;
        }
        records = columns.getRecordReader(rowGroup, new GroupRecordConverter(schema));
        remaining = rowGroup.getRowCount();
      }
      remaining--;
      return new RawRecord(row++, ParquetValues.map(records.read()), null, null);
    } catch (RuntimeException e) {
      // Parquet reports damaged pages with exceptions of many kinds.
      throw new DamagedFileException(e.getMessage(), e);
    }
  }

  @Override
  public long lines() {
    return row;
  }

  @Override
  public void close() throws IOException {
    file.close();
  }
}
