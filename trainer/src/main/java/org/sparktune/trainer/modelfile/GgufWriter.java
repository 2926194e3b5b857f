package org.sparktune.trainer.modelfile;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.sparktune.core.AtomicFile;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.tokenizer.gguf.GgufValue;
import org.sparktune.trainer.memory.Arena;
import org.sparktune.trainer.memory.DType;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.blocks.BlockWriter;

/**
 * Writes GGUF files of version 3, little-endian, one tensor in memory at a time; the whole file or
 * none.
 *
 * <pre>
 *   "GGUF" | version u32 | tensors u64 | metadata pairs u64
 *   pairs:   key string | value type u32 | value
 *   tensors: name string | dimensions u32 | each u64, innermost first | type u32 | offset u64
 *   padding to 32 | tensor data, each padded to 32
 * </pre>
 */
public final class GgufWriter {
  private static final int VERSION = 3;
  private static final int ALIGNMENT = 32;
  private static final int PIECE_ELEMENTS = 1 << 20;

  /**
   * A tensor to write.
   *
   * @param name GGUF's name
   * @param type how its elements are stored; its last dimension is a multiple of the type's block
   * @param shape its dimensions, outermost first
   * @param data its values when their turn comes
   */
  public record Entry(String name, GgmlType type, List<Long> shape, Data data) {

    /** Copies the shape and checks that rows can be stored as the type's blocks. */
    public Entry {
      shape = List.copyOf(shape);
      if (!BlockWriter.canEncode(type) || shape.get(shape.size() - 1) % type.blockElements() != 0) {
        throw new IllegalArgumentException(
            "%s of %s cannot be written as %s".formatted(name, shape, type));
      }
    }

    private long size() {
      long size = 1;
      for (long dimension : shape) {
        size *= dimension;
      }
      return size;
    }
  }

  /** Gives a tensor's values when they are needed. */
  @FunctionalInterface
  public interface Data {
    /** Contiguous F32 values; the arena is released once they are written. */
    Tensor get(Arena arena) throws IOException;
  }

  private GgufWriter() {}

  /**
   * Writes a file.
   *
   * @param file where; an existing one is replaced only when the new one is complete
   * @param metadata in the order in which it is written
   * @param tensors in the order in which they are written
   */
  public static void write(Path file, Map<String, GgufValue> metadata, List<Entry> tensors)
      throws IOException {
    AtomicFile.write(
        file,
        temporary -> {
          try (FileChannel out =
              FileChannel.open(
                  temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            writeFully(out, ByteBuffer.wrap(header(metadata, tensors)));
            for (Entry tensor : tensors) {
              writeTensor(out, tensor);
            }
          }
        });
  }

  private static byte[] header(Map<String, GgufValue> metadata, List<Entry> tensors) {
    Bytes bytes = new Bytes();
    bytes.raw("GGUF".getBytes(StandardCharsets.US_ASCII));
    bytes.int32(VERSION);
    bytes.int64(tensors.size());
    bytes.int64(metadata.size());
    metadata.forEach(
        (key, value) -> {
          bytes.string(key);
          bytes.int32(value.type().id());
          bytes.value(value);
        });
    long offset = 0;
    for (Entry tensor : tensors) {
      bytes.string(tensor.name());
      bytes.int32(tensor.shape().size());
      List<Long> shape = new ArrayList<>(tensor.shape());
      for (int i = shape.size() - 1; i >= 0; i--) {
        bytes.int64(shape.get(i));
      }
      bytes.int32(tensor.type().id());
      bytes.int64(offset);
      offset += padded(tensor.type().bytes(tensor.size()));
    }
    bytes.raw(new byte[(int) (padded(bytes.size()) - bytes.size())]);
    return bytes.toByteArray();
  }

  private static void writeTensor(FileChannel out, Entry entry) throws IOException {
    GgmlType type = entry.type();
    try (Arena arena = new Arena("writing " + entry.name())) {
      Tensor values = entry.data().get(arena);
      if (values.type() != DType.F32 || values.size() != entry.size()) {
        throw new IllegalStateException(
            "%s was announced with another size than %s".formatted(entry, values));
      }
      int piece = PIECE_ELEMENTS / type.blockElements() * type.blockElements();
      float[] floats = new float[(int) Math.min(piece, values.size())];
      Tensor encoded = arena.allocate(DType.I8, type.bytes(floats.length));
      for (long done = 0; done < values.size(); done += floats.length) {
        int count = (int) Math.min(floats.length, values.size() - done);
        values
            .buffer(done * Float.BYTES, count * Float.BYTES)
            .asFloatBuffer()
            .get(floats, 0, count);
        BlockWriter.encode(type, floats, count, encoded.address());
        writeFully(out, encoded.buffer(0, Math.toIntExact(type.bytes(count))));
      }
    }
    long bytes = type.bytes(entry.size());
    writeFully(out, ByteBuffer.allocate((int) (padded(bytes) - bytes)));
  }

  private static long padded(long bytes) {
    return (bytes + ALIGNMENT - 1) & -ALIGNMENT;
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  /** The header as it grows. */
  private static final class Bytes {
    private final ByteArrayOutputStream out = new ByteArrayOutputStream();

    void raw(byte[] bytes) {
      out.writeBytes(bytes);
    }

    void int32(int value) {
      raw(little(Integer.BYTES).putInt(value).array());
    }

    void int64(long value) {
      raw(little(Long.BYTES).putLong(value).array());
    }

    void string(String text) {
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      int64(bytes.length);
      raw(bytes);
    }

    long size() {
      return out.size();
    }

    byte[] toByteArray() {
      return out.toByteArray();
    }

    void value(GgufValue value) {
      if (value instanceof GgufValue.Whole whole) {
        whole(whole);
      } else if (value instanceof GgufValue.Real real) {
        if (real.type() == GgufValue.Type.FLOAT32) {
          int32(Float.floatToRawIntBits((float) real.value()));
        } else {
          int64(Double.doubleToRawLongBits(real.value()));
        }
      } else if (value instanceof GgufValue.Flag flag) {
        out.write(flag.value() ? 1 : 0);
      } else if (value instanceof GgufValue.Text text) {
        string(text.value());
      } else if (value instanceof GgufValue.Sequence sequence) {
        int32(sequence.elementType().id());
        int64(sequence.elements().size());
        sequence.elements().forEach(this::value);
      } else {
        throw new IllegalArgumentException("Unknown metadata value " + value);
      }
    }

    private void whole(GgufValue.Whole whole) {
      switch (whole.type()) {
        case UINT8, INT8 -> out.write((int) whole.value());
        case UINT16, INT16 -> raw(little(Short.BYTES).putShort((short) whole.value()).array());
        case UINT32, INT32 -> int32((int) whole.value());
        case UINT64, INT64 -> int64(whole.value());
        case FLOAT32, BOOL, STRING, ARRAY, FLOAT64 ->
            throw new IllegalArgumentException("Not a whole number: " + whole);
      }
    }

    private static ByteBuffer little(int bytes) {
      return ByteBuffer.allocate(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
  }
}
