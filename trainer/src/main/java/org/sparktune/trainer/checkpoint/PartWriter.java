package org.sparktune.trainer.checkpoint;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32C;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FSError;
import org.apache.hadoop.fs.Path;
import org.sparktune.trainer.collective.ShardedVector;
import org.sparktune.trainer.collective.Slices;
import org.sparktune.trainer.storage.Storage;

/**
 * Writes what a rank holds as a safetensors file, one tensor a range, in one pass and through one
 * small buffer. A tensor's name says where it belongs: {@code exp_avg[1024:2048]}.
 */
final class PartWriter {
  private static final int ALIGNMENT = 8;
  private static final ObjectMapper JSON = new ObjectMapper();

  private final Storage storage;
  private final byte[] chunk = new byte[VectorChunks.BYTES];

  PartWriter(Storage storage) {
    this.storage = storage;
  }

  /**
   * Writes a part.
   *
   * @param metadata for the file's header
   * @return what the manifest says of it
   */
  Manifest.Part write(Path file, List<ShardedVector> vectors, Map<String, String> metadata)
      throws IOException {
    byte[] header = header(vectors, metadata);
    CRC32C whole = new CRC32C();
    List<Manifest.StoredRange> ranges = new ArrayList<>();
    long bytes = header.length;
    try (FSDataOutputStream out = storage.create(file);
        VectorChunks chunks = new VectorChunks()) {
      out.write(header);
      whole.update(header);
      for (ShardedVector vector : vectors) {
        long first = 0;
        for (Slices.Range range : vector.ranges()) {
          CRC32C own = new CRC32C();
          for (long done = 0; done < range.size(); done += VectorChunks.BYTES / Float.BYTES) {
            long left = (range.size() - done) * Float.BYTES;
            int length = (int) Math.min(VectorChunks.BYTES, left);
            chunks.read(vector, first + done, chunk, length);
            own.update(chunk, 0, length);
            whole.update(chunk, 0, length);
            out.write(chunk, 0, length);
          }
          ranges.add(
              new Manifest.StoredRange(
                  vector.name(), range.from(), range.to(), Checksums.text(own)));
          first += range.size();
          bytes += range.size() * Float.BYTES;
        }
      }
      storage.finish(out);
    } catch (FSError e) {
      throw Storage.asException(e);
    }
    return new Manifest.Part(file.getName(), bytes, Checksums.text(whole), header.length, ranges);
  }

  private static byte[] header(List<ShardedVector> vectors, Map<String, String> metadata)
      throws IOException {
    ObjectNode header = JSON.createObjectNode();
    ObjectNode free = header.putObject("__metadata__");
    new TreeMap<>(metadata).forEach(free::put);
    long offset = 0;
    for (ShardedVector vector : vectors) {
      for (Slices.Range range : vector.ranges()) {
        ObjectNode node =
            header.putObject("%s[%d:%d]".formatted(vector.name(), range.from(), range.to()));
        node.put("dtype", "F32");
        node.putArray("shape").add(range.size());
        long end = offset + range.size() * Float.BYTES;
        node.putArray("data_offsets").add(offset).add(end);
        offset = end;
      }
    }
    byte[] text = JSON.writeValueAsString(header).getBytes(StandardCharsets.UTF_8);
    int padded = (text.length + ALIGNMENT - 1) & -ALIGNMENT;
    byte[] bytes = new byte[Long.BYTES + padded];
    Arrays.fill(bytes, (byte) ' ');
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(padded).put(text);
    return bytes;
  }
}
