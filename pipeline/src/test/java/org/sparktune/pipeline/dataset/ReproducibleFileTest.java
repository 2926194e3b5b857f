package org.sparktune.pipeline.dataset;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.apache.parquet.format.ColumnChunk;
import org.apache.parquet.format.ColumnMetaData;
import org.apache.parquet.format.CompressionCodec;
import org.apache.parquet.format.Encoding;
import org.apache.parquet.format.FileMetaData;
import org.apache.parquet.format.RowGroup;
import org.apache.parquet.format.SchemaElement;
import org.apache.parquet.format.Type;
import org.apache.parquet.format.Util;
import org.apache.parquet.io.OutputFile;
import org.apache.parquet.io.PositionOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ReproducibleFileTest {
  private static final Encoding[] ORDER = {Encoding.PLAIN, Encoding.RLE, Encoding.BIT_PACKED};
  private static final Encoding[] OTHER = {Encoding.BIT_PACKED, Encoding.PLAIN, Encoding.RLE};

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 1000, (4 << 20) - 1, 8 << 20, 20_000_001})
  void shouldWriteTheSameBytesWhateverTheOrderOfEncodings(int bytes) throws IOException {
    byte[] data = new byte[bytes];
    new Random(7).nextBytes(data);
    assertNotEquals(Arrays.hashCode(footer(ORDER)), Arrays.hashCode(footer(OTHER)));

    byte[] one = written(data, footer(ORDER), 1 << 16);
    byte[] another = written(data, footer(OTHER), 999_983);

    assertArrayEquals(one, another);
    assertArrayEquals(data, Arrays.copyOf(one, bytes));
    assertEquals(bytes + footer(ORDER).length + 8, one.length);
  }

  @Test
  void shouldPassOnWhatIsNoCompleteFile() throws IOException {
    Kept kept = new Kept();
    try (PositionOutputStream out = new ReproducibleFile(kept).create(0)) {
      out.write(1);
      out.write(new byte[] {2, 3});
      assertEquals(3, out.getPos());
    }
    assertArrayEquals(new byte[] {1, 2, 3}, kept.bytes.toByteArray());
  }

  private static byte[] written(byte[] data, byte[] footer, int atOnce) throws IOException {
    Kept kept = new Kept();
    try (PositionOutputStream out = new ReproducibleFile(kept).create(0)) {
      for (int from = 0; from < data.length; from += atOnce) {
        out.write(data, from, Math.min(atOnce, data.length - from));
      }
      assertEquals(data.length, out.getPos());
      out.write(footer);
      out.write(
          ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(footer.length).array());
      out.write("PAR1".getBytes(StandardCharsets.US_ASCII));
    }
    return kept.bytes.toByteArray();
  }

  private static byte[] footer(Encoding... encodings) throws IOException {
    ColumnMetaData column =
        new ColumnMetaData(
            Type.INT32,
            new ArrayList<>(List.of(encodings)),
            List.of("ids"),
            CompressionCodec.ZSTD,
            1,
            1,
            1,
            4);
    ColumnChunk chunk = new ColumnChunk(4);
    chunk.setMeta_data(column);
    FileMetaData metadata =
        new FileMetaData(
            1,
            List.of(new SchemaElement("row")),
            1,
            new ArrayList<>(List.of(new RowGroup(new ArrayList<>(List.of(chunk)), 1, 1))));
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    Util.writeFileMetaData(metadata, bytes);
    return bytes.toByteArray();
  }

  /** Keeps in memory what is written. */
  private static final class Kept implements OutputFile {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public PositionOutputStream create(long blockSizeHint) {
      return new PositionOutputStream() {
        @Override
        public long getPos() {
          return bytes.size();
        }

        @Override
        public void write(int value) {
          bytes.write(value);
        }

        @Override
        public void write(byte[] values, int from, int length) {
          bytes.write(values, from, length);
        }
      };
    }

    @Override
    public PositionOutputStream createOrOverwrite(long blockSizeHint) {
      return create(blockSizeHint);
    }

    @Override
    public boolean supportsBlockSize() {
      return false;
    }

    @Override
    public long defaultBlockSize() {
      return 0;
    }
  }
}
