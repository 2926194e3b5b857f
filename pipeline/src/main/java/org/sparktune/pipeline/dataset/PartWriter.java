package org.sparktune.pipeline.dataset;

import java.io.IOException;
import java.util.Iterator;
import java.util.Optional;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.FileSystem;
import org.apache.hadoop.fs.Path;
import org.apache.parquet.hadoop.ParquetFileWriter;
import org.apache.parquet.hadoop.ParquetWriter;
import org.apache.parquet.hadoop.api.WriteSupport;
import org.apache.parquet.hadoop.metadata.CompressionCodecName;
import org.apache.parquet.hadoop.util.HadoopOutputFile;
import org.apache.parquet.io.OutputFile;
import org.sparktune.core.WriteFailure;
import org.sparktune.pipeline.sample.Document;
import org.sparktune.pipeline.spec.DatasetOptions.Kind;

/** Packs the documents of one part and writes it as a Parquet file. */
public final class PartWriter {
  /** Uncompressed bytes of a row group: what a trainer holds at a time. */
  private static final long ROW_GROUP_BYTES = 8L << 20;

  private final Configuration configuration;
  private final int sequenceLength;
  private final boolean packing;
  private final Kind kind;

  /**
   * @param sequenceLength tokens of a row
   * @param packing whether documents share rows
   * @param kind what documents are
   */
  public PartWriter(Configuration configuration, int sequenceLength, boolean packing, Kind kind) {
    this.configuration = configuration;
    this.sequenceLength = sequenceLength;
    this.packing = packing;
    this.kind = kind;
  }

  /**
   * Writes one part. The file gets its name only when it is complete, so a task that is run twice
   * does no harm.
   *
   * @param folder the dataset folder
   * @param split {@code train} or {@code validation}
   * @param number the part's number
   * @param attempt unique to this run of the task
   * @return nothing if there were no documents
   * @throws org.sparktune.core.SparktuneException {@code OUTPUT} or {@code RESOURCES} when the file
   *     cannot be written
   */
  public Optional<PartResult> write(
      String folder, String split, int number, long attempt, Iterator<Document> documents) {
    if (!documents.hasNext()) {
      return Optional.empty();
    }
    String name = "%s/part-%05d.parquet".formatted(split, number);
    Path target = new Path(folder, name);
    Path temporary = new Path(folder, "%s/.part-%05d.%d".formatted(split, number, attempt));
    try {
      FileSystem fileSystem = target.getFileSystem(configuration);
      RowStream rows = new RowStream(documents, sequenceLength, packing);
      long documentCount = 0;
      long rowCount = 0;
      long tokens = 0;
      long lossTokens = 0;
      try (ParquetWriter<PackedRow> writer = open(temporary)) {
        while (rows.hasNext()) {
          PackedRow row = rows.next();
          writer.write(row);
          documentCount += (kind == Kind.PREFERENCE ? 2L : 1L) * row.documents().size();
          rowCount++;
          tokens += row.tokens();
          lossTokens += row.targets();
        }
      }
      fileSystem.delete(target, false);
      if (!fileSystem.rename(temporary, target)) {
        throw new IOException("renaming " + temporary + " failed");
      }
      long bytes = fileSystem.getFileStatus(target).getLen();
      return Optional.of(
          new PartResult(split, name, documentCount, rowCount, tokens, lossTokens, bytes));
    } catch (IOException e) {
      throw WriteFailure.of("The dataset part " + target, e);
    } catch (FSError e) {
      // Hadoop's local file system reports a full disk as an error of the JVM.
      throw WriteFailure.of(
          "The dataset part " + target, new IOException(e.getCause().getMessage(), e));
    }
  }

  private ParquetWriter<PackedRow> open(Path path) throws IOException {
    return new Builder(new ReproducibleFile(HadoopOutputFile.fromPath(path, configuration)), kind)
        .withConf(configuration)
        .withCompressionCodec(CompressionCodecName.ZSTD)
        .withRowGroupSize(ROW_GROUP_BYTES)
        .withWriteMode(ParquetFileWriter.Mode.OVERWRITE)
        .build();
  }

  private static final class Builder extends ParquetWriter.Builder<PackedRow, Builder> {
    private final Kind kind;

    Builder(OutputFile file, Kind kind) {
      super(file);
      this.kind = kind;
    }

    @Override
    protected Builder self() {
      return this;
    }

    @Override
    protected WriteSupport<PackedRow> getWriteSupport(Configuration configuration) {
      return new RowWriteSupport(kind);
    }
  }
}
