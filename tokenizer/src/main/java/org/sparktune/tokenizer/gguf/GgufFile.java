package org.sparktune.tokenizer.gguf;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.sparktune.core.ErrorCode;
import org.sparktune.core.SparktuneException;

/**
 * What a GGUF file (version 2 or 3, little-endian) says about itself: metadata, and where each
 * tensor lies. Tensor bytes are not read.
 *
 * <pre>
 *   "GGUF" | version u32 | tensors u64 | keys u64 | key, type, value … | name, dimensions, type, offset …
 *   padding to general.alignment | tensor data
 * </pre>
 */
public final class GgufFile {
  /** {@code GGUF} read as a little-endian number. */
  public static final int MAGIC = 0x46554747;

  /** The version that is written. */
  public static final int VERSION = 3;

  /** Tensor data begins at multiples of this unless {@code general.alignment} says otherwise. */
  public static final int DEFAULT_ALIGNMENT = 32;

  /** The key that says what tensor offsets are multiples of. */
  public static final String ALIGNMENT_KEY = "general.alignment";

  private final Path path;
  private final int version;
  private final GgufMetadata metadata;
  private final Map<String, GgufTensor> tensors;

  private GgufFile(Path path, int version, GgufMetadata metadata, Map<String, GgufTensor> tensors) {
    this.path = path;
    this.version = version;
    this.metadata = metadata;
    this.tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
  }

  /**
   * Reads everything but the tensors' data.
   *
   * @param path the file
   * @throws SparktuneException {@code BAD_FILE} when it is missing, truncated, no GGUF, of another
   *     version or contradicts itself; the message names the file and the key or tensor
   */
  public static GgufFile read(Path path) {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      GgufInput input = new GgufInput(path, channel);
      GgufHeaderReader reader = new GgufHeaderReader(path, input);
      return new GgufFile(path, reader.version(), reader.metadata(), reader.tensors());
    } catch (IOException e) {
      throw new SparktuneException(
          ErrorCode.BAD_FILE,
          "%s cannot be read: %s.".formatted(path, e.getClass().getSimpleName()),
          "Check that the path is a GGUF file that you may read.",
          e);
    }
  }

  /** The file. */
  public Path path() {
    return path;
  }

  /** The format's version, 2 or 3. */
  public int version() {
    return version;
  }

  /** The metadata. */
  public GgufMetadata metadata() {
    return metadata;
  }

  /** All tensors by name, in the file's order. */
  public Map<String, GgufTensor> tensors() {
    return tensors;
  }

  /** A tensor, if the file has it. */
  public Optional<GgufTensor> tensor(String name) {
    return Optional.ofNullable(tensors.get(name));
  }
}
