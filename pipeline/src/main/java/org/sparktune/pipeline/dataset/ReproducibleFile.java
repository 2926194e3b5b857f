package org.sparktune.pipeline.dataset;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collections;
import java.util.Comparator;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.PageEncodingStats;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.Util;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;

/**
 * A Parquet file of which every process writes the same bytes. parquet-mr keeps a column's
 * encodings in a hash set of enum constants, whose order differs from one JVM to the next, and
 * writes them to the footer as they come; here they are sorted on their way to the storage.
 */
final class ReproducibleFile implements OutputFile {
  private static final byte[] MAGIC = "PAR1".getBytes(StandardCharsets.US_ASCII);

  /** The footer's length and the magic number, behind the footer. */
  private static final int END_BYTES = Integer.BYTES + MAGIC.length;

  private final OutputFile file;

  ReproducibleFile(OutputFile file) {
    this.file = file;
  }

  @Override
  public PositionOutputStream create(long blockSizeHint) throws IOException {
    return new SortingStream(file.create(blockSizeHint));
  }

  @Override
  public PositionOutputStream createOrOverwrite(long blockSizeHint) throws IOException {
    return new SortingStream(file.createOrOverwrite(blockSizeHint));
  }

  @Override
  public boolean supportsBlockSize() {
    return file.supportsBlockSize();
  }

  @Override
  public long defaultBlockSize() {
    return file.defaultBlockSize();
  }

  /** Holds the last bytes back until it is known that they are the footer. */
  private static final class SortingStream extends PositionOutputStream {
    /** Far more than the footer of a part: a few kilobytes for each row group. */
    private static final int HELD_BYTES = 4 << 20;

    private final PositionOutputStream out;
    private final byte[] held = new byte[2 * HELD_BYTES];
    private int count;
    private boolean closed;

    SortingStream(PositionOutputStream out) {
      this.out = out;
    }

    @Override
    public long getPos() throws IOException {
      return out.getPos() + count;
    }

    @Override
    public void write(int value) throws IOException {
      makeRoom();
      held[count++] = (byte) value;
    }

    @Override
    public void write(byte[] bytes, int from, int length) throws IOException {
      int offset = from;
      int left = length;
      while (left > 0) {
        makeRoom();
        int size = Math.min(left, held.length - count);
        System.arraycopy(bytes, offset, held, count, size);
        count += size;
        offset += size;
        left -= size;
      }
    }

    private void makeRoom() throws IOException {
      if (count == held.length) {
        out.write(held, 0, count - HELD_BYTES);
        System.arraycopy(held, count - HELD_BYTES, held, 0, HELD_BYTES);
        count = HELD_BYTES;
      }
    }

    @Override
    public void flush() throws IOException {
      out.flush();
    }

    @Override
    public void close() throws IOException {
      if (closed) {
        return;
      }
      closed = true;
      try (out) {
        if (isComplete()) {
          writeSorted();
        } else {
          // Writing failed; whoever asked for it knows.
          out.write(held, 0, count);
        }
      }
    }

    private boolean isComplete() {
      return count >= END_BYTES
          && Arrays.equals(held, count - MAGIC.length, count, MAGIC, 0, MAGIC.length);
    }

    private void writeSorted() throws IOException {
      int end = count - END_BYTES;
      int length =
          ByteBuffer.wrap(held, end, Integer.BYTES).order(ByteOrder.LITTLE_ENDIAN).getInt();
      if (length > end) {
        throw new IOException(
            "the footer has %,d bytes, more than %,d are not foreseen".formatted(length, end));
      }
      byte[] footer = sorted(new ByteArrayInputStream(held, end - length, length));
      out.write(held, 0, end - length);
      out.write(footer);
      out.write(
          ByteBuffer.allocate(Integer.BYTES)
              .order(ByteOrder.LITTLE_ENDIAN)
              .putInt(footer.length)
              .array());
      out.write(MAGIC);
    }

    private static byte[] sorted(ByteArrayInputStream footer) throws IOException {
      FileMetaData metadata = Util.readFileMetaData(footer);
      for (RowGroup group : metadata.getRow_groups()) {
        for (ColumnChunk chunk : group.getColumns()) {
          ColumnMetaData column = chunk.getMeta_data();
          Collections.sort(column.getEncodings());
          if (column.isSetEncoding_stats()) {
            column
                .getEncoding_stats()
                .sort(
                    Comparator.comparing(PageEncodingStats::getPage_type)
                        .thenComparing(PageEncodingStats::getEncoding));
          }
        }
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(footer.available());
      Util.writeFileMetaData(metadata, bytes);
      return bytes.toByteArray();
    }
  }
}
