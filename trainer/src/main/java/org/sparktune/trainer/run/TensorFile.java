package org.sparktune.trainer.run;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.Map;
import org.sparktune.trainer.memory.Tensor;

/**
 * A checkpoint's flat vectors as named F32 tensors in one safetensors file, written from and read
 * into off-heap memory piece by piece.
 */
final class TensorFile {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final int ALIGNMENT = 8;
  private static final int PIECE = 1 << 24;

  private TensorFile() {}

  /** The tensors of a flat vector by name. */
  static Map<String, Tensor> tensors(ParameterLayout layout, Tensor vector, String suffix) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (ParameterLayout.Entry entry : layout.entries()) {
      tensors.put(entry.name() + suffix, vector.view(entry.offset(), entry.shape()));
    }
    return tensors;
  }

  static void write(Path file, Map<String, Tensor> tensors) throws IOException {
    ObjectNode header = JSON.createObjectNode();
    long offset = 0;
    for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
      ObjectNode description = header.putObject(entry.getKey()).put("dtype", "F32");
      for (long dimension : entry.getValue().shape()) {
        description.withArray("shape").add(dimension);
      }
      description.putArray("data_offsets").add(offset).add(offset + entry.getValue().byteSize());
      offset += entry.getValue().byteSize();
    }
    byte[] text = JSON.writeValueAsBytes(header);
    int padded = (text.length + ALIGNMENT - 1) & -ALIGNMENT;
    ByteBuffer start =
        ByteBuffer.allocate(Long.BYTES + padded).order(ByteOrder.LITTLE_ENDIAN).putLong(padded);
    start.put(text).put(" ".repeat(padded - text.length).getBytes(StandardCharsets.US_ASCII));
    try (FileChannel out =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      writeFully(out, start.flip());
      for (Tensor tensor : tensors.values()) {
        for (long done = 0; done < tensor.byteSize(); done += PIECE) {
          writeFully(out, tensor.buffer(done, piece(tensor, done)));
        }
      }
    }
  }

  /** Reads every tensor given, by name; the file must hold each with the same shape. */
  static void read(Path file, Map<String, Tensor> tensors) throws IOException {
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
      readFully(in, length, 0);
      int headerLength = Math.toIntExact(length.getLong(0));
      ByteBuffer text = ByteBuffer.allocate(headerLength);
      readFully(in, text, Long.BYTES);
      JsonNode header = JSON.readTree(text.array());
      for (Map.Entry<String, Tensor> entry : tensors.entrySet()) {
        Tensor tensor = entry.getValue();
        JsonNode offsets = header.path(entry.getKey()).path("data_offsets");
        long begin = offsets.path(0).asLong(-1);
        if (begin < 0 || offsets.path(1).asLong() - begin != tensor.byteSize()) {
          throw new IOException(
              "%s does not hold %s as %s".formatted(file, entry.getKey(), tensor));
        }
        long position = Long.BYTES + headerLength + begin;
        for (long done = 0; done < tensor.byteSize(); done += PIECE) {
          readFully(in, tensor.buffer(done, piece(tensor, done)), position + done);
        }
      }
    }
  }

  private static int piece(Tensor tensor, long done) {
    return (int) Math.min(PIECE, tensor.byteSize() - done);
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  private static void readFully(FileChannel in, ByteBuffer into, long position) throws IOException {
    for (long at = position; into.hasRemaining(); ) {
      int count = in.read(into, at);
      if (count < 0) {
        throw new EOFException("The file ends at byte " + at);
      }
      at += count;
    }
  }
}
