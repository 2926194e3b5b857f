package org.sparktune.trainer.modelfile;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import org.sparktune.core.AtomicFile;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;

/**
 * Writes safetensors files: tensors in the order of their names, one in memory at a time, the whole
 * file or none.
 */
public final class SafetensorsWriter {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ALIGNMENT = 8;
  private static final int PIECE_BYTES = 1 << 26;

  /**
   * A tensor to write.
   *
   * @param type its element type in the file
   * @param shape its dimensions
   * @param data gives its values when their turn comes: contiguous, of that type and shape
   */
  public record Entry(DType type, long[] shape, Data data) {}

  /** Gives a tensor when it is needed; it may reuse its memory for the next one. */
  @FunctionalInterface
  public interface Data {
    /** The values. */
    Tensor get() throws IOException;
  }

  private SafetensorsWriter() {}

  /** Writes tensors that are in memory, with the metadata that PyTorch's own writer leaves. */
  public static void write(Path file, Map<String, Tensor> tensors) throws IOException {
    Map<String, Entry> entries = new TreeMap<>();
    tensors.forEach(
        (name, tensor) ->
            entries.put(name, new Entry(tensor.type(), tensor.shape(), () -> tensor)));
    write(file, entries, Map.of("format", "pt"));
  }

  /**
   * Writes a file.
   *
   * @param file where; an existing one is replaced only when the new one is complete
   * @param entries the tensors by name
   * @param metadata free text for the header; may be empty
   */
  public static void write(Path file, Map<String, Entry> entries, Map<String, String> metadata)
      throws IOException {
    SortedMap<String, Entry> sorted = new TreeMap<>(entries);
    AtomicFile.write(
        file,
        temporary -> {
          try (FileChannel out =
              FileChannel.open(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(out, header(sorted, metadata));
            for (Map.Entry<String, Entry> entry : sorted.entrySet()) {
              writeTensor(out, entry.getKey(), entry.getValue());
            }
          }
        });
  }

  private static ByteBuffer header(SortedMap<String, Entry> entries, Map<String, String> metadata)
      throws IOException {
    ObjectNode header = JSON.createObjectNode();
    if (!metadata.isEmpty()) {
      ObjectNode node = header.putObject("__metadata__");
      new TreeMap<>(metadata).forEach(node::put);
    }
    long offset = 0;
    for (Map.Entry<String, Entry> entry : entries.entrySet()) {
      Entry tensor = entry.getValue();
      ObjectNode node = header.putObject(entry.getKey());
      node.put("dtype", SafetensorsType.of(tensor.type()).name());
      ArrayNode shape = node.putArray("shape");
      long bytes = tensor.type().bytes();
      for (long dimension : tensor.shape()) {
        shape.add(dimension);
        bytes *= dimension;
      }
      node.putArray("data_offsets").add(offset).add(offset + bytes);
      offset += bytes;
    }
    byte[] text = JSON.writeValueAsBytes(header);
    int padded = (text.length + ALIGNMENT - 1) & -ALIGNMENT;
    ByteBuffer buffer = ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN);
    buffer
        .putLong(padded)
        .put(text)
        .put(" ".repeat(padded - text.length).getBytes(StandardCharsets.US_ASCII));
    return buffer.flip();
  }

  private static void writeTensor(FileChannel out, String name, Entry entry) throws IOException {
    Tensor tensor = entry.data().get();
    long elements = 1;
    for (long dimension : entry.shape()) {
      elements *= dimension;
    }
    if (tensor.type() != entry.type() || tensor.size() != elements) {
      throw new IllegalStateException(
          "%s was announced with another type or size than %s".formatted(name, tensor));
    }
    for (long done = 0; done < tensor.byteSize(); done += PIECE_BYTES) {
      writeFully(out, tensor.buffer(done, (int) Math.min(PIECE_BYTES, tensor.byteSize() - done)));
    }
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }
}
