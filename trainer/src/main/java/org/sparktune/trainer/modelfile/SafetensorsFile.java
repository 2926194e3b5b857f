package org.sparktune.trainer.modelfile;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;
import org.sparktune.tokenizer.gguf.GgmlType;
import org.sparktune.trainer.memory.MappedFile;
import org.sparktune.trainer.memory.Tensor;
import org.sparktune.trainer.modelfile.blocks.RowOrder;
import org.sparktune.trainer.modelfile.blocks.StoredTensor;

/**
 * A safetensors file, mapped and read tensor by tensor.
 *
 * <pre>
 *   0        8                 8 + n
 *   +--------+-----------------+---------------------------+
 *   | n: u64 | JSON, n bytes   | tensors, data_offsets from |
 *   |        | (space padded)  | here                      |
 *   +--------+-----------------+---------------------------+
 * </pre>
 *
 * The header is checked before anything is read: a file whose header lies is refused, and so is one
 * with bytes that belong to no tensor, as the format demands.
 */
public final class SafetensorsFile implements WeightSource, AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();

  /** The reference implementation's own bound on the header. */
  private static final long MAXIMUM_HEADER = 100_000_000;

  private static final String METADATA = "__metadata__";

  /**
   * One tensor's place.
   *
   * @param type its element type
   * @param shape its dimensions, outermost first; a scalar has none
   * @param start of its bytes in the file
   * @param bytes its size
   */
  public record Entry(SafetensorsType type, long[] shape, long start, long bytes) {}

  private final MappedFile file;
  private final Map<String, Entry> entries;
  private final Map<String, String> metadata;

  private SafetensorsFile(
      MappedFile file, Map<String, Entry> entries, Map<String, String> metadata) {
    this.file = file;
    this.entries = entries;
    this.metadata = metadata;
  }

  /**
   * Opens a file and checks its header.
   *
   * @throws SparktuneException BAD_FILE when the file is missing, truncated or lies
   */
  public static SafetensorsFile open(Path path) {
    MappedFile file = null;
    try {
      file = MappedFile.open(path);
      SafetensorsFile opened = readHeader(file);
      file = null;
      return opened;
    } catch (NoSuchFileException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE, "There is no file %s.".formatted(path), "Check the path.", e);
    } catch (IOException e) {
      throw broken(path, "cannot be read: " + e.getMessage(), e);
    } finally {
      closeQuietly(file);
    }
  }

  private static SafetensorsFile readHeader(MappedFile file) throws IOException {
    Path path = file.path();
    if (file.size() < Long.BYTES) {
      throw broken(path, "is %d bytes long, too short for a header".formatted(file.size()), null);
    }
    long length = file.view(0, Long.BYTES).getLong();
    if (length < 2 || length > MAXIMUM_HEADER || length > file.size() - Long.BYTES) {
      throw broken(
          path,
          "says that its header has %d bytes, but the file has %d".formatted(length, file.size()),
          null);
    }
    byte[] text = new byte[(int) length];
    file.view(Long.BYTES, text.length).get(text);
    JsonNode header;
    try {
      header = JSON.readTree(text);
    } catch (JsonProcessingException e) {
      throw broken(path, "has a header that is not JSON (" + e.getOriginalMessage() + ")", e);
    }
    if (!header.isObject()) {
      throw broken(path, "has a header that is not a JSON object", null);
    }
    long dataStart = Long.BYTES + length;
    Map<String, Entry> entries = new TreeMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Iterator<Map.Entry<String, JsonNode>> fields = header.fields(); fields.hasNext(); ) {
      Map.Entry<String, JsonNode> field = fields.next();
      if (field.getKey().equals(METADATA)) {
        field
            .getValue()
            .fields()
            .forEachRemaining(e -> metadata.put(e.getKey(), e.getValue().asText()));
      } else {
        entries.put(field.getKey(), entry(file, dataStart, field.getKey(), field.getValue()));
      }
    }
    checkContiguous(file, dataStart, entries);
    return new SafetensorsFile(file, entries, metadata);
  }

  private static Entry entry(MappedFile file, long dataStart, String name, JsonNode node) {
    Path path = file.path();
    SafetensorsType type =
        SafetensorsType.of(node.path("dtype").asText())
            .orElseThrow(
                () ->
                    new SparktuneException(
                        ErrorCode.UNSUPPORTED,
                        "The tensor %s in %s has the element type \"%s\", which is not supported."
                            .formatted(name, path, node.path("dtype").asText()),
                        "Convert it to F32, BF16 or F16."));
    JsonNode dimensions = node.path("shape");
    JsonNode offsets = node.path("data_offsets");
    if (!dimensions.isArray() || !offsets.isArray() || offsets.size() != 2) {
      throw broken(
          path, "describes the tensor %s without shape or data_offsets".formatted(name), null);
    }
    long[] shape = new long[dimensions.size()];
    long bytes = type.bytes();
    try {
      for (int i = 0; i < shape.length; i++) {
        shape[i] = dimensions.get(i).asLong(-1);
        bytes = Math.multiplyExact(bytes, shape[i]);
      }
    } catch (ArithmeticException e) {
      throw broken(
          path, "gives the tensor %s an impossible shape %s".formatted(name, dimensions), e);
    }
    long begin = offsets.get(0).asLong(-1);
    long end = offsets.get(1).asLong(-1);
    if (begin < 0 || end < begin || end > file.size() - dataStart) {
      throw broken(
          path,
          "puts the tensor %s at bytes %d to %d of %d"
              .formatted(name, begin, end, file.size() - dataStart),
          null);
    }
    if (bytes < 0 || end - begin != bytes) {
      throw broken(
          path,
          "gives the tensor %s %d bytes, but %s%s needs %d"
              .formatted(name, end - begin, type, dimensions, bytes),
          null);
    }
    return new Entry(type, shape, dataStart + begin, bytes);
  }

  /** The format wants every byte behind the header to belong to exactly one tensor. */
  private static void checkContiguous(MappedFile file, long dataStart, Map<String, Entry> entries) {
    List<Map.Entry<String, Entry>> byStart = new ArrayList<>(entries.entrySet());
    byStart.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().start())
            .thenComparingLong(e -> e.getValue().bytes()));
    long end = dataStart;
    String before = "";
    for (Map.Entry<String, Entry> named : byStart) {
      long start = named.getValue().start();
      if (start < end) {
        throw broken(
            file.path(),
            "lets the tensors %s and %s overlap".formatted(before, named.getKey()),
            null);
      }
      if (start > end) {
        throw broken(
            file.path(),
            "has %d bytes before the tensor %s that belong to no tensor"
                .formatted(start - end, named.getKey()),
            null);
      }
      end += named.getValue().bytes();
      before = named.getKey();
    }
    if (end < file.size()) {
      throw broken(
          file.path(),
          "has %d bytes behind its last tensor that belong to no tensor"
              .formatted(file.size() - end),
          null);
    }
  }

  /** The names of the tensors, sorted. */
  @Override
  public Set<String> names() {
    return Collections.unmodifiableSet(entries.keySet());
  }

  /** The header's free text, such as {@code format}. */
  public Map<String, String> metadata() {
    return Collections.unmodifiableMap(metadata);
  }

  @Override
  public boolean has(String name) {
    return entries.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    return entry(name).shape().clone();
  }

  /** A tensor's element type. */
  public SafetensorsType type(String name) {
    return entry(name).type();
  }

  /**
   * A tensor of numbers as it is stored.
   *
   * @throws SparktuneException when there is no such tensor, or it is one of bytes or truth values
   */
  public StoredTensor stored(String name) {
    Entry entry = entry(name);
    GgmlType type =
        entry
            .type()
            .stored()
            .orElseThrow(
                () ->
                    broken(
                        file.path(),
                        "holds %s as %s, not as numbers".formatted(name, entry.type()),
                        null));
    return new StoredTensor(name, type, entry.shape(), file, entry.start(), RowOrder.PLAIN);
  }

  @Override
  public void read(String name, Tensor destination) {
    if (!type(name).isFloatingPoint()) {
      throw broken(
          file.path(),
          "holds %s as %s, not as floating-point numbers".formatted(name, type(name)),
          null);
    }
    stored(name).read(destination);
  }

  /** Reads an integer tensor of moderate size. */
  public long[] readIntegers(String name) {
    Entry entry = entry(name);
    try {
      ByteBuffer bytes =
          file.view(entry.start(), Math.toIntExact(entry.bytes())).order(ByteOrder.LITTLE_ENDIAN);
      long[] values = new long[Math.toIntExact(entry.bytes() / entry.type().bytes())];
      for (int i = 0; i < values.length; i++) {
        values[i] = entry.type().integer(bytes, i);
      }
      return values;
    } catch (IOException e) {
      throw broken(file.path(), "cannot be read: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    closeQuietly(file);
  }

  private Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s has no tensor %s.".formatted(file.path(), name),
          "Check that the file belongs to the model's config.json.");
    }
    return entry;
  }

  private static SparktuneException broken(Path path, String problem, Exception cause) {
    return new SparktuneException(
        ErrorCode.BAD_FILE,
        "The safetensors file %s %s.".formatted(path, problem),
        "Download or write it again.",
        cause);
  }

  private static void closeQuietly(MappedFile file) {
    if (file != null) {
      try {
        file.close();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    }
  }
}
