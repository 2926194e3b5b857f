package org.sparktune.trainer.dataset;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.VersionParser;
import org.apache.parquet.VersionParser.ParsedVersion;
import org.apache.parquet.VersionParser.VersionParseException;
import org.apache.parquet.column.ColumnDescriptor;
import org.apache.parquet.column.ColumnReader;
import org.apache.parquet.column.impl.ColumnReaderImpl;
import org.apache.parquet.column.page.PageReadStore;
import org.apache.parquet.column.page.PageReader;
import org.apache.parquet.hadoop.ParquetFileReader;
import org.apache.parquet.hadoop.metadata.BlockMetaData;
import org.apache.parquet.hadoop.util.HadoopInputFile;
import org.apache.parquet.io.api.PrimitiveConverter;
import org.apache.parquet.schema.MessageType;
import org.apache.parquet.schema.PrimitiveType.PrimitiveTypeName;
import org.sparktune.core.DatasetManifest;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * One Parquet file of a dataset, read a row group at a time. Lists are read from their leaf column
 * by repetition and definition levels, so any nesting of wrapper groups ({@code list.element},
 * {@code array}, optional or required) will do.
 */
final class PartReader implements AutoCloseable {
  private static final String REMEDY = "Prepare the dataset again, or copy it again completely.";

  private static final String PIECES = "document_pieces";
  private static final String LINES = "document_lines";

  /**
   * The origins of a row's documents, in their order.
   *
   * @param pieces pieces of input
   * @param lines lines in them, from 0
   */
  record DocumentOrigins(int[] pieces, int[] lines) {}

  private final DatasetManifest.Part part;
  private final ParquetFileReader reader;
  private final ColumnDescriptor tokens;
  private final ColumnDescriptor mask;
  private final ColumnDescriptor starts;

  PartReader(String folder, DatasetManifest.Part part, Configuration configuration) {
    this.part = part;
    this.reader = open(new Path(folder, part.path()), configuration);
    try {
      this.tokens = column("input_ids");
      this.mask = column("loss_mask");
      this.starts = column("document_starts");
      if (reader.getRecordCount() != part.rows()) {
        throw broken(
            "holds %d rows where the manifest says %d"
                .formatted(reader.getRecordCount(), part.rows()));
      }
    } catch (SparktuneException e) {
      close();
      throw e;
    }
  }

  int rowGroups() {
    return reader.getRowGroups().size();
  }

  int rows(int rowGroup) {
    return Math.toIntExact(reader.getRowGroups().get(rowGroup).getRowCount());
  }

  /**
   * Where one row's documents come from; read only when somebody asks.
   *
   * @return pairs of a piece and a line in it, or nothing where the dataset does not say
   */
  Optional<DocumentOrigins> origins(long row) {
    MessageType schema = reader.getFileMetaData().getSchema();
    if (!schema.containsField(PIECES) || !schema.containsField(LINES)) {
      return Optional.empty();
    }
    int index = 0;
    while (firstRow(index + 1) <= row) {
      index++;
    }
    try {
      PageReadStore pages = reader.readRowGroup(index);
      int rows = Math.toIntExact(pages.getRowCount());
      int inGroup = Math.toIntExact(row - firstRow(index));
      return Optional.of(
          new DocumentOrigins(
              lists(pages, column(PIECES), rows).list(inGroup),
              lists(pages, column(LINES), rows).list(inGroup)));
    } catch (IOException | RuntimeException e) {
      throw broken("cannot be read (row group %d: %s)".formatted(index, e.getMessage()), e);
    }
  }

  /**
   * The piece of input of every document, in their order.
   *
   * @return nothing where the dataset does not say
   */
  Optional<List<int[]>> pieces() {
    if (!reader.getFileMetaData().getSchema().containsField(PIECES)) {
      return Optional.empty();
    }
    List<int[]> pieces = new ArrayList<>();
    for (int index = 0; index < rowGroups(); index++) {
      try {
        PageReadStore pages = reader.readRowGroup(index);
        RowGroup.Lists ofRows = lists(pages, column(PIECES), rows(index));
        for (int row = 0; row < rows(index); row++) {
          pieces.add(ofRows.list(row));
        }
      } catch (IOException | RuntimeException e) {
        throw broken("cannot be read (row group %d: %s)".formatted(index, e.getMessage()), e);
      }
    }
    return Optional.of(pieces);
  }

  /** Rows before a row group. */
  private long firstRow(int index) {
    long rows = 0;
    for (BlockMetaData group : reader.getRowGroups().subList(0, index)) {
      rows += group.getRowCount();
    }
    return rows;
  }

  RowGroup read(int index) {
    long firstRow = firstRow(index);
    try {
      PageReadStore pages = reader.readRowGroup(index);
      int rows = Math.toIntExact(pages.getRowCount());
      return new RowGroup(
          part.path(),
          firstRow,
          rows,
          lists(pages, tokens, rows),
          lists(pages, mask, rows),
          lists(pages, starts, rows),
          new RowGroup.Labels(
              floats(pages, "pair_margins", rows),
              floats(pages, "reference_log_probs", rows),
              floats(pages, "document_scores", rows)));
    } catch (IOException | RuntimeException e) {
      throw broken("cannot be read (row group %d: %s)".formatted(index, e.getMessage()), e);
    }
  }

  @Override
  public void close() {
    try {
      reader.close();
    } catch (IOException e) {
      throw broken("cannot be closed (%s)".formatted(e.getMessage()), e);
    }
  }

  private ParquetFileReader open(Path path, Configuration configuration) {
    try {
      return ParquetFileReader.open(HadoopInputFile.fromPath(path, configuration));
    } catch (IOException | RuntimeException e) {
      throw broken("is not a readable Parquet file (%s)".formatted(e.getMessage()), e);
    }
  }

  /** A column that only some datasets have, or null. */
  private RowGroup.Lists floats(PageReadStore pages, String name, int rows) {
    return reader.getFileMetaData().getSchema().containsField(name)
        ? lists(pages, column(name, PrimitiveTypeName.FLOAT), rows)
        : null;
  }

  private ColumnDescriptor column(String name) {
    return column(name, PrimitiveTypeName.INT32);
  }

  /** The one leaf below a top-level field, which must hold a list of a given type. */
  private ColumnDescriptor column(String name, PrimitiveTypeName type) {
    MessageType schema = reader.getFileMetaData().getSchema();
    ColumnDescriptor found = null;
    for (ColumnDescriptor column : schema.getColumns()) {
      if (column.getPath()[0].equals(name)) {
        if (found != null) {
          throw broken("has more than a list in column " + name);
        }
        found = column;
      }
    }
    if (found == null) {
      throw broken("has no column %s, only %s".formatted(name, schema.getFields()));
    }
    if (found.getPrimitiveType().getPrimitiveTypeName() != type
        || found.getMaxRepetitionLevel() != 1) {
      throw broken(
          "has column %s as %s, not as a list of %s"
              .formatted(name, found, type.name().toLowerCase(Locale.ROOT)));
    }
    return found;
  }

  private RowGroup.Lists lists(PageReadStore pages, ColumnDescriptor column, int rows) {
    PageReader columnPages = pages.getPageReader(column);
    long count = columnPages.getTotalValueCount();
    ColumnReader values =
        new ColumnReaderImpl(column, columnPages, new PrimitiveConverter() {}, writerVersion());
    RowGroup.Lists lists = new RowGroup.Lists(rows, count);
    int complete = column.getMaxDefinitionLevel();
    for (long i = 0; i < count; i++) {
      if (i > 0 && values.getCurrentRepetitionLevel() == 0) {
        lists.endList();
      }
      // A lower level is an empty list, or a null, which a later check reports.
      if (values.getCurrentDefinitionLevel() == complete) {
        lists.add(
            column.getPrimitiveType().getPrimitiveTypeName() == PrimitiveTypeName.FLOAT
                ? Float.floatToRawIntBits(values.getFloat())
                : values.getInteger());
      }
      values.consume();
    }
    lists.endList();
    return lists;
  }

  private ParsedVersion writerVersion() {
    try {
      return VersionParser.parse(reader.getFileMetaData().getCreatedBy());
    } catch (VersionParseException | RuntimeException e) {
      // An unknown writer: Parquet then assumes that no old writer's bug needs a workaround.
      return null;
    }
  }

  private SparktuneException broken(String what) {
    return broken(what, null);
  }

  private SparktuneException broken(String what, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE, "%s %s.".formatted(part.path(), what), REMEDY, cause);
  }
}
